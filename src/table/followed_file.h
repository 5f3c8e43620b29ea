// followed_file.h — notices that the file under a path is another one than the one that was read.
//
// The file is looked at once a second at most. A version is identified by device, inode, size and modification
// time; a file that is missing counts as unchanged, because a rename may be under way.
//
// A process in its jail cannot see the path any more, and one that gave up root may not open it. Such a process tells
// by a descriptor that it kept (O_PATH: nothing can be read or reached through it) that its file was rewritten,
// replaced or removed, goes on with what it has, and asks to be replaced by a successor that reads the new file
// (confine()). Once a second it looks without being asked for anything (look_at_followed_files()), so that the change
// is seen before the next client comes, and not by his lookup.
//
// Who was there before goes on with the old version to his end, its "not found" included: for him the change came too
// late, as it does in Postfix, which looks for changes between clients. An error instead would be one for every key
// that a table does not have, and most tables do not have most keys: sessions under way could only fail.
#pragma once

#include "base/fd.h"

#include <cstdint>
#include <ctime>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

namespace posthaste::table {

struct FileVersion {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = -1;
    timespec modified{};

    static FileVersion of(const struct stat& status);
    friend bool operator==(const FileVersion& a, const FileVersion& b)
    {
        return a.device == b.device && a.inode == b.inode && a.size == b.size &&
               a.modified.tv_sec == b.modified.tv_sec && a.modified.tv_nsec == b.modified.tv_nsec;
    }
};

// What a process has given up since it opened its tables.
enum class Confinement : std::uint8_t {
    None,
    Rights,  // root: paths lead where they led, but not every file may be opened
    Jail,    // paths lead elsewhere
};

// Called with the file's path when it has changed and this process cannot open it again.
using CannotReopen = std::function<void(std::string_view path)>;

// From now on, for the whole process; server::run() says so when it gives up root.
void confine(Confinement confinement, CannotReopen cannot_reopen);

// Looks at all files of this process and asks for a successor where one has changed and cannot be opened again. A file
// that is being written to is left alone until the next look. Does nothing in a process that has given up nothing, and
// takes no new version: lookups do that.
void look_at_followed_files();

// Lives as long as a reload in place: notices what is opened anew and is out of reach since root or the file system was
// given up, where a successor could open it. One at a time.
class Reopening {
public:
    Reopening();
    ~Reopening();
    Reopening(const Reopening&) = delete;
    Reopening& operator=(const Reopening&) = delete;

    // Who opens tables and files says so, at any time: this failed for this reason. True: a reload is under way and a
    // successor tries again, who says what is wrong if anything is.
    static bool could_not_open(std::string_view what, const Error& error);
    // The first that was out of reach; empty: nothing was.
    [[nodiscard]] const std::string& out_of_reach() const { return out_of_reach_; }

private:
    std::string out_of_reach_;
};

// True if a file that was last written to at this time has not been written to for a second.
bool at_rest(const timespec& modified);

// What makes another version of a file.
enum class Follow : std::uint8_t {
    Content,   // size and times, too
    Identity,  // another file in its place: who reads through the open one sees what is written to it
};

// Makes a file one of those that look_at_followed_files() goes through, wherever it is moved to. Like tables, all of
// them belong to one thread.
class ListedFile {
protected:
    ListedFile() { all().insert(this); }
    ListedFile(ListedFile&& /*other*/) noexcept : ListedFile() {}
    ListedFile& operator=(ListedFile&& /*other*/) noexcept { return *this; }
    ~ListedFile() { all().erase(this); }

    static std::set<ListedFile*>& all();

private:
    friend void look_at_followed_files();
};

class FollowedFile : private ListedFile {
public:
    FollowedFile() = default;
    // Call before the file is read, so that a change while it is read is seen as one. An empty path never changes.
    explicit FollowedFile(std::string path, Follow follow = Follow::Content);

    [[nodiscard]] const std::string& path() const { return path_; }
    // True if the path leads to another version than the remembered one, which becomes the remembered one.
    bool changed_now();
    // The same, but looks at the file system only when the last look is a second old.
    bool changed();
    // The same for text files, which people edit in place: a version is taken when it has not been written to for a
    // second, so that half a file is not read as a whole one.
    bool changed_and_at_rest();
    [[nodiscard]] const FileVersion& version() const { return version_; }
    [[nodiscard]] std::optional<uid_t> owner() const { return owner_; }  // of the remembered version

    // Opening the new version failed for this reason: where a successor may do what this process may not, asks for one.
    void could_not_open(const Error& error);

private:
    friend void look_at_followed_files();
    // The version that the path leads to, unless it is the remembered one. Where the path is out of reach, asks for a
    // successor instead, if the file is another one now.
    std::optional<FileVersion> other_version(bool only_at_rest);
    bool look(bool only_at_rest);
    void look_for_successor();
    void hold();
    void hold_links();
    [[nodiscard]] bool held_link_changed() const;
    [[nodiscard]] bool held_file_changed(bool only_at_rest) const;
    void ask_for_successor();

    [[nodiscard]] bool is_same(const FileVersion& current) const;

    std::string path_;
    Follow follow_ = Follow::Content;
    FileVersion version_;
    UniqueFd held_;
    std::vector<UniqueFd>
        held_links_;  // symbolic links that the path leads through, each in the place of the last part
    std::optional<uid_t> owner_;
    timespec held_changed_{};  // its ctime: renamed, linked, unlinked or written
    bool asked_ = false;
    time_t looked_ = 0;  // seconds of CLOCK_MONOTONIC_COARSE
};

}  // namespace posthaste::table
