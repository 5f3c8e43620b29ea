// mbox.cc — delivery into an mbox file: lock, append, sync, or put back as it was.
#include "base/fd.h"
#include "base/text.h"
#include "mailbox/delivery.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
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

// A lock file beside the mailbox; removed when this object goes.
class Dotlock {
public:
    explicit Dotlock(std::string path) : path_(std::move(path)) {}
    ~Dotlock()
    {
        if (held_)
            ::unlink(path_.c_str());
    }
    Dotlock(const Dotlock&) = delete;
    Dotlock& operator=(const Dotlock&) = delete;

    Result<void> take(const MboxOptions& options)
    {
        for (int attempt = 0; attempt < std::max(1, options.lock_attempts); ++attempt) {
            if (attempt > 0)
                std::this_thread::sleep_for(options.lock_delay);
            UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
            if (fd) {
                held_ = true;
                return {};
            }
            if (errno != EEXIST)
                return fail_errno("unable to create lock file " + path_);
            struct stat status{};
            if (::stat(path_.c_str(), &status) == 0 && ::time(nullptr) - status.st_mtime > options.stale_lock.count())
                ::unlink(path_.c_str());
        }
        return fail(ErrorKind::Temporary, "unable to create lock file " + path_ + ": File exists");
    }

private:
    std::string path_;
    bool held_ = false;
};

Result<void> lock_file(int fd, LockMethod method, const MboxOptions& options)
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

// Opens or makes the mailbox; refuses what is not a plain file of this user (a link in a writable spool directory
// would let one user have another's file written).
Result<UniqueFd> open_mailbox(const std::string& path, const MboxOptions& options, struct stat& status)
{
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
    if (!fd)
        return fail_errno("open " + path);
    if (::fstat(fd.get(), &status) != 0)
        return fail_errno("stat " + path);
    if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode))
        return fail(ErrorKind::Denied, "destination is not a regular file");
    if (S_ISREG(status.st_mode) && status.st_nlink != 1)
        return fail(ErrorKind::Denied, "destination has multiple links");
    if (options.require_owner && S_ISREG(status.st_mode) && status.st_uid != ::geteuid())
        return fail(ErrorKind::Denied, fmt::format("destination {} is not owned by recipient", path));
    return fd;
}

Result<void> append(int fd, const Delivery& delivery, const MboxOptions& options, const struct stat& before)
{
    ContentStyle style;
    style.quote_from = true;
    auto added = static_cast<std::int64_t>(delivery.content.size() + delivery.headers.size());
    if (options.size_limit > 0 && before.st_size + added > options.size_limit)
        return fail(Error::system(EFBIG, "error writing message"));
    TRY(write_content(fd, delivery.from_line + delivery.headers, delivery.content, style));
    TRY(write_fully(fd, "\n"));  // mbox(5): an empty line ends each message
    // The queue forgets the message once it is marked: it must be on disk before that.
    if (S_ISREG(before.st_mode) && ::fsync(fd) != 0)
        return fail_errno("fsync");
    return {};
}

dsn::Outcome problem(const Delivery& delivery, const Error& error)
{
    std::string text =
        fmt::format("cannot update mailbox {} for user {}. {}", delivery.path, delivery.user, error.text());
    bool full = error.text().ends_with("File too large") || error.text().ends_with("Disk quota exceeded");
    return full ? dsn::Outcome::bounced({5, 2, 2}, std::move(text))
                : dsn::Outcome::deferred({4, 2, 0}, std::move(text));
}

}  // namespace

dsn::Outcome deliver_to_mbox(const Delivery& delivery, const MboxOptions& options)
{
    struct stat before{};
    auto fd = open_mailbox(delivery.path, options, before);
    if (!fd)
        return problem(delivery, fd.error());
    Dotlock dotlock(delivery.path + ".lock");
    for (LockMethod method : options.locks) {
        Result<void> locked =
            method == LockMethod::Dotlock ? dotlock.take(options) : lock_file(fd->get(), method, options);
        if (!locked)
            return problem(delivery, locked.error());
    }
    if (::fstat(fd->get(), &before) != 0)  // it may have grown while we waited for the lock
        return problem(delivery, Error::system(errno, "stat"));
    if (auto appended = append(fd->get(), delivery, options, before); !appended) {
        if (S_ISREG(before.st_mode) && ::ftruncate(fd->get(), before.st_size) != 0)
            return problem(delivery, Error::system(errno, appended.error().text() + "; truncate"));
        return problem(delivery, appended.error());
    }
    return dsn::Outcome::delivered({2, 0, 0}, "delivered to mailbox");
}

}  // namespace posthaste::mailbox
