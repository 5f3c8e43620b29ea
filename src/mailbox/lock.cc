// lock.cc — see lock.h.
#include "mailbox/lock.h"

#include "base/fd.h"
#include "base/text.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace posthaste::mailbox {

Result<std::vector<LockMethod>> parse_lock_methods(std::string_view text)
{
    std::vector<LockMethod> methods;
    for (std::string_view word : split(text, ", \t\r\n")) {
        if (word == "fcntl")
            methods.push_back(LockMethod::Fcntl);
        else if (word == "flock")
            methods.push_back(LockMethod::Flock);
        else if (word == "dotlock")
            methods.push_back(LockMethod::Dotlock);
        else
            return fail(ErrorKind::Invalid, "fcntl, flock or dotlock expected, not \"" + std::string(word) + "\"");
    }
    return methods;
}

namespace {

Result<void> lock_file(int fd, LockMethod method, const LockOptions& options)
{
    for (int attempt = 0; attempt < std::max(1, options.lock_attempts); ++attempt) {
        if (attempt > 0)
            std::this_thread::sleep_for(options.lock_delay);
        struct flock range{};
        range.l_type = F_WRLCK;
        range.l_whence = SEEK_SET;
        int result = method == LockMethod::Fcntl ? ::fcntl(fd, F_SETLK, &range) : ::flock(fd, LOCK_EX | LOCK_NB);
        if (result == 0)
            return {};
        if (errno != EAGAIN && errno != EACCES && errno != EWOULDBLOCK && errno != EINTR)
            return fail_errno("lock");
    }
    return fail(ErrorKind::Temporary, "unable to lock for exclusive access: Resource temporarily unavailable");
}

}  // namespace

MailboxLock::~MailboxLock()
{
    if (!lock_file_.empty())
        ::unlink(lock_file_.c_str());
}

Result<void> MailboxLock::take(int fd, const std::string& path, const LockOptions& options)
{
    for (LockMethod method : options.locks)
        TRY(method == LockMethod::Dotlock ? make_lock_file(path + ".lock", options) : lock_file(fd, method, options));
    return {};
}

Result<void> MailboxLock::make_lock_file(const std::string& path, const LockOptions& options)
{
    for (int attempt = 0; attempt < std::max(1, options.lock_attempts); ++attempt) {
        if (attempt > 0)
            std::this_thread::sleep_for(options.lock_delay);
        UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
        if (fd) {
            lock_file_ = path;
            return {};
        }
        if (errno != EEXIST)
            return fail_errno("unable to create lock file " + path);
        struct stat status{};
        if (::stat(path.c_str(), &status) == 0 && ::time(nullptr) - status.st_mtime > options.stale_lock.count())
            ::unlink(path.c_str());
    }
    return fail(ErrorKind::Temporary, "unable to create lock file " + path + ": File exists");
}

}  // namespace posthaste::mailbox
