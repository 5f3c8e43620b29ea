// locks.cc — see locks.h.
#include "queue/locks.h"

#include <cerrno>
#include <fcntl.h>

namespace posthaste::queue {

namespace {

struct flock range(std::uint64_t offset, short type, std::uint64_t count = 1)
{
    struct flock lock{};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = static_cast<off_t>(offset);
    lock.l_len = static_cast<off_t>(count);
    return lock;
}

short type_of(LockMode mode) { return mode == LockMode::Shared ? F_RDLCK : F_WRLCK; }

}  // namespace

Result<bool> try_lock_range(int fd, std::uint64_t offset, LockMode mode)
{
    struct flock lock = range(offset, type_of(mode));
    while (::fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        if (errno == EAGAIN || errno == EACCES)
            return false;
        if (errno != EINTR)
            return fail_errno("lock");
    }
    return true;
}

Result<void> lock_range_wait(int fd, std::uint64_t offset, LockMode mode)
{
    struct flock lock = range(offset, type_of(mode));
    while (::fcntl(fd, F_OFD_SETLKW, &lock) != 0)
        if (errno != EINTR)
            return fail_errno("lock");
    return {};
}

void unlock_range(int fd, std::uint64_t offset)
{
    struct flock lock = range(offset, F_UNLCK);
    ::fcntl(fd, F_OFD_SETLK, &lock);
}

bool is_locked_by_other(int fd, std::uint64_t offset, std::uint64_t count)
{
    struct flock lock = range(offset, F_WRLCK, count);
    if (::fcntl(fd, F_OFD_GETLK, &lock) != 0)
        return true;
    return lock.l_type != F_UNLCK;
}

}  // namespace posthaste::queue
