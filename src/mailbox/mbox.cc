// mbox.cc — delivery into an mbox file: lock, append, sync, or put back as it was.
#include "base/fd.h"
#include "mailbox/delivery.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace posthaste::mailbox {

namespace {

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
    MailboxLock lock;
    if (auto locked = lock.take(fd->get(), delivery.path, options); !locked)
        return problem(delivery, locked.error());
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
