// indexed_file.cc — see indexed_file.h.
#include "table/indexed_file.h"

#include <cerrno>
#include <fmt/format.h>
#include <sys/file.h>
#include <thread>

namespace posthaste::table {

Result<SharedLock> SharedLock::acquire(int fd, std::string_view what)
{
    constexpr std::chrono::milliseconds step{2};
    for (std::chrono::milliseconds waited{0}; flock(fd, LOCK_SH | LOCK_NB) != 0;) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return fail_errno(fmt::format("lock {} for reading", what));
        if (waited >= lock_patience)
            return fail(ErrorKind::Temporary, fmt::format("{} is being rewritten", what));
        std::this_thread::sleep_for(step);
        waited += step;
    }
    return SharedLock(fd);
}

SharedLock::~SharedLock()
{
    if (fd_ >= 0)
        flock(fd_, LOCK_UN);
}

Result<FileVersion> version_of(int fd, std::string_view what)
{
    struct stat status{};
    if (fstat(fd, &status) != 0)
        return fail_errno(what);
    return FileVersion::of(status);
}

}  // namespace posthaste::table
