// A queue file: one message in a file of its own (layout.h), in incoming/, active/, deferred/ or hold/.
//
// A file that is being written has mode 0600 and an exclusive lock on its first byte; a complete one has mode 0700.
// Completion is: everything written, mode set, fsync, directory synced. Recovery removes what is not complete and
// not locked: nobody was told 250 for it.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "queue/file_time.h"
#include "queue/layout.h"
#include "queue/marks.h"
#include "queue/message_ref.h"
#include "queue/options.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>
#include <xxhash.h>

namespace posthaste::queue {

inline constexpr std::uint64_t file_lock_byte = 0;
inline constexpr unsigned mode_incomplete = 0600;
inline constexpr unsigned mode_complete = 0700;
// The owner's execute bit says so, as in Postfix; the group's says that postsuper -e expired the message.
constexpr bool is_complete(unsigned mode) { return (mode & 0100U) != 0; }
inline constexpr unsigned mode_expired = 0010;
constexpr bool is_expired(unsigned mode) { return (mode & mode_expired) != 0; }

// Whether the files of a directory lie in subdirectories (hash_queue_names).
bool is_hashed(const QueueOptions& options, std::string_view directory);
// Path of a queue file below the queue directory: "deferred/A/A1B2C3...".
std::string queue_file_path(const QueueOptions& options, QueueName queue, const std::string& queue_id);
// The same for a directory by its name; also of the logs of bounce(8): defer, bounce, trace.
std::string queue_file_path(const QueueOptions& options, std::string_view directory, const std::string& queue_id);

// Writes one queue file. Dropped before finish(): the file is removed.
class FileBuilder {
public:
    // Creates <directory>/<path> (and its hash directories), locked. Exists, NoSpace, Denied.
    static Result<std::unique_ptr<FileBuilder>> create(const std::string& directory, const std::string& path);
    FileBuilder(UniqueFd fd, std::string directory, std::string path);
    ~FileBuilder();
    FileBuilder(const FileBuilder&) = delete;
    FileBuilder& operator=(const FileBuilder&) = delete;

    Result<void> append_content(std::string_view bytes);
    // Writes envelope, marks (message mark first) and header, sets the mode and, if given, the modification time.
    // The caller syncs: sync() for one file, or one syncfs for many.
    Result<void> finish(std::string_view encoded_envelope, std::string_view marks, WallTime modified = {});
    Result<void> sync_file_and_directory();
    // To another path below the directory. Durable when it returns: the file will not be found under its old name
    // again. Only before finish(), while nobody takes the file for a message.
    Result<void> move_to(const std::string& path);
    // Keeps the file when this object goes: call it once the file is durable.
    void keep() { keep_ = true; }
    void unlock();
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] int fd() const { return fd_.get(); }

private:
    Result<void> write_out();

    UniqueFd fd_;
    std::string directory_;
    std::string path_;
    std::string buffer_;
    std::uint64_t offset_ = file_header_size;
    std::uint64_t content_size_ = 0;
    XXH3_state_t* hash_;
    bool keep_ = false;
};

// An open, complete queue file, mapped.
class FileReader {
public:
    // NotFound; Corrupt: header, sizes or (where asked) hashes are wrong; Temporary: not complete.
    static Result<std::shared_ptr<FileReader>> open(const std::string& directory, const std::string& path);
    FileReader(UniqueFd fd, const char* base, std::uint64_t size, const FileHeader& header);
    ~FileReader();
    FileReader(const FileReader&) = delete;
    FileReader& operator=(const FileReader&) = delete;

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] const FileHeader& header() const { return header_; }
    [[nodiscard]] std::string_view content() const { return {base_ + header_.content_offset, header_.content_size}; }
    [[nodiscard]] std::string_view envelope() const;
    [[nodiscard]] std::string_view marks() const { return {base_ + header_.marks_offset, header_.marks_count}; }
    [[nodiscard]] bool envelope_is_intact() const { return hash_of(envelope()) == header_.envelope_hash; }
    [[nodiscard]] bool content_is_intact() const { return hash_of(content()) == header_.content_hash; }
    Result<void> set_mark(std::uint32_t index, std::uint8_t value);

private:
    UniqueFd fd_;
    const char* base_;
    std::uint64_t size_;
    FileHeader header_;
};

// What is known of a complete file besides its content, by one or two reads and without mapping it: for who looks at
// very many. Errors as FileReader::open(); Corrupt also where the envelope is damaged.
struct FileSummary {
    StoredEnvelope stored;
    std::string marks;  // the message mark first
    struct stat status{};
};
Result<FileSummary> read_summary(const std::string& path);

// mkdir for every missing directory of path below directory (the last component is a file).
Result<void> make_parent_directories(const std::string& directory, const std::string& path);

}  // namespace posthaste::queue
