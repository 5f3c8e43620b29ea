// directory_walk.h — the files of messages below a directory of the queue, wherever hashing put them.
//
// The directories are those of the queue (deferred, hold, ...), of bounce(8)'s logs (defer, bounce, trace) and
// maildrop. All subdirectories are visited, whatever hash_queue_names and hash_queue_depth say now, because files made
// under other settings count, too. queue_file_path() says where a file belongs. No file is opened.
//
// Files come in the order of their inodes, some thousands at a time: on a disk that is not cached, what belongs
// together is read together.
#pragma once

#include "base/result.h"
#include "queue/options.h"

#include <dirent.h>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

namespace posthaste::queue {

// The next entry of `directory`, which `stream` reads; none at its end. An error is not the end: more may follow that
// nobody has seen.
Result<const dirent*> read_entry(DIR* stream, const std::string& directory);

struct WalkedFile {
    std::string queue_id;  // its name
    std::string path;      // below the queue directory: "deferred/A/A1B2C3..."
    struct stat status{};  // zeros where only names were asked for
};

// A walk that can be interrupted. One thread at a time; a different one each time is fine.
class FileWalk {
public:
    enum class Detail : unsigned char { Names, Status };

    FileWalk(std::string queue_directory, std::string_view directory, Detail detail);

    // About `most` further regular files that are named like a message; none: that was all. A directory that does not
    // exist has none, and a file that vanishes meanwhile is left out; one that moves may be missing or come twice.
    std::vector<WalkedFile> next(std::size_t most);
    // What cannot be read does not keep the rest from being visited: the first error, to be asked for at the end. With
    // one, the files are not all that there are.
    [[nodiscard]] const Result<void>& result() const { return result_; }

private:
    struct Pending {
        std::string directory;
        unsigned depth;
    };
    struct Name {
        ino_t inode;
        std::string name;
        unsigned char type;
    };
    bool open_next_directory();
    std::vector<Name> read_names(std::size_t most);
    void add(std::vector<WalkedFile>& files, Name entry);

    std::string queue_directory_;
    std::vector<Pending> pending_;  // the last one is the next
    Pending current_{};
    std::vector<Pending> below_;  // of the current one
    std::unique_ptr<DIR, int (*)(DIR*)> stream_{nullptr, ::closedir};
    bool ended_ = false;  // the current one was read to its end
    Result<void> result_;
    Detail detail_;
};

// Calls back for each of them, with its status. The first error is returned at the end.
Result<void> for_each_file_below(const QueueOptions& options, std::string_view directory,
                                 const std::function<void(const WalkedFile&)>& callback);

}  // namespace posthaste::queue
