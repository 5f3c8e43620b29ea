// followed_file.h — notices that the file under a path is another one than the one that was read.
//
// The file is looked at once a second at most. A version is identified by device, inode, size and modification
// time; a file that is missing counts as unchanged, because a rename may be under way.
#pragma once

#include <ctime>
#include <string>
#include <sys/stat.h>

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

class FollowedFile {
public:
    FollowedFile() = default;
    // Call before the file is read, so that a change while it is read is seen as one.
    explicit FollowedFile(std::string path);

    [[nodiscard]] const std::string& path() const { return path_; }
    // True if the path leads to another version than the remembered one, which becomes the remembered one.
    bool changed_now();
    // The same, but looks at the file system only when the last look is a second old.
    bool changed();
    // The same for text files, which people edit in place: a version is taken when it has not been written to for a
    // second, so that half a file is not read as a whole one.
    bool changed_and_at_rest();
    [[nodiscard]] const FileVersion& version() const { return version_; }

private:
    bool look(bool only_at_rest);

    std::string path_;
    FileVersion version_;
    time_t looked_ = 0;  // seconds of CLOCK_MONOTONIC_COARSE
};

}  // namespace posthaste::table
