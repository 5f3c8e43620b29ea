// master_lock.cc — see master_lock.h.
#include "server/master_lock.h"

#include "base/text.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace posthaste::server {

Result<UniqueFd> lock_exclusively(const std::string& path)
{
    // The directory may belong to mail_owner, who must not choose what root truncates or gives away.
    TRY(UniqueFd file, open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    struct stat status{};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1)
        return fail(ErrorKind::Denied, "open lock file " + path + ": not a regular file with one name");
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return fail(ErrorKind::Exists, "open lock file " + path + ": unable to set exclusive lock");
        return fail_errno("lock " + path);
    }
    std::string content = std::to_string(::getpid()) + "\n";
    if (::ftruncate(file.get(), 0) != 0)
        return fail_errno("truncate " + path);
    TRY(write_fully_at(file.get(), content, 0));
    return file;
}

Result<std::optional<pid_t>> lock_holder(const std::string& path)
{
    auto file = open_file(path, O_RDONLY);
    if (!file && file.error().kind() == ErrorKind::NotFound)
        return std::nullopt;
    if (!file)
        return fail(file.error());
    if (::flock(file->get(), LOCK_SH | LOCK_NB) == 0)
        return std::nullopt;
    if (errno != EWOULDBLOCK)
        return fail_errno("lock " + path);
    TRY(std::string content, read_file(path, 64));
    auto pid = parse_number<pid_t>(trim(content));
    if (!pid || *pid <= 0)
        return fail(ErrorKind::Temporary, path + " is locked, but holds no process id");
    return *pid;
}

}  // namespace posthaste::server
