// followed_file.cc — see followed_file.h.
#include "table/followed_file.h"

#include <utility>

namespace posthaste::table {

namespace {

time_t coarse_seconds()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec;
}

}  // namespace

FileVersion FileVersion::of(const struct stat& status)
{
    return {.device = status.st_dev, .inode = status.st_ino, .size = status.st_size, .modified = status.st_mtim};
}

FollowedFile::FollowedFile(std::string path) : path_(std::move(path)), looked_(coarse_seconds())
{
    struct stat status{};
    if (stat(path_.c_str(), &status) == 0)
        version_ = FileVersion::of(status);
}

bool FollowedFile::look(bool only_at_rest)
{
    looked_ = coarse_seconds();
    struct stat status{};
    if (path_.empty() || stat(path_.c_str(), &status) != 0)
        return false;
    FileVersion current = FileVersion::of(status);
    if (current == version_)
        return false;
    if (only_at_rest) {
        timespec now{};
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
        const auto age = now.tv_sec - status.st_mtim.tv_sec;
        if (age == 0 || (age == 1 && now.tv_nsec < status.st_mtim.tv_nsec))
            return false;
    }
    version_ = current;
    return true;
}

bool FollowedFile::changed_now() { return look(false); }
bool FollowedFile::changed() { return coarse_seconds() != looked_ && look(false); }
bool FollowedFile::changed_and_at_rest() { return coarse_seconds() != looked_ && look(true); }

}  // namespace posthaste::table
