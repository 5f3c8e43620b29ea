// maildir.cc — delivery into a maildir: written and synced below tmp/, then linked into new/, whose name is synced too.
#include "base/fd.h"
#include "mailbox/delivery.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

namespace posthaste::mailbox {

namespace {

// One directory and its missing parents below the maildir's own parent.
Result<void> make_directory(const std::string& path)
{
    if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST)
        return {};
    if (errno != ENOENT)
        return fail_errno("create " + path);
    std::size_t slash = path.find_last_of('/', path.size() - 2);
    if (slash == std::string::npos || slash == 0)
        return fail_errno("create " + path);
    TRY(make_directory(path.substr(0, slash)));
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return fail_errno("create " + path);
    return {};
}

Result<UniqueFd> create_temporary(const Delivery& delivery, const std::string& path)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL;
    auto fd = open_file(path, flags, 0600);
    if (fd || fd.error().kind() != ErrorKind::NotFound)
        return fd;
    std::string base = delivery.path;
    for (const char* part : {"tmp", "new", "cur"})
        TRY(make_directory(base + part));
    return open_file(path, flags, 0600);
}

Result<void> store(const Delivery& delivery, std::string_view host_name)
{
    timeval now{};
    ::gettimeofday(&now, nullptr);
    std::string temporary = fmt::format("{}tmp/{}.P{}.{}", delivery.path, now.tv_sec, ::getpid(), host_name);
    TRY(UniqueFd fd, create_temporary(delivery, temporary));
    auto stored = [&]() -> Result<void> {
        TRY(write_content(fd.get(), delivery.headers, delivery.content, {}));
        struct stat status{};
        if (::fstat(fd.get(), &status) != 0)
            return fail_errno("stat " + temporary);
        if (::fsync(fd.get()) != 0)
            return fail_errno("fsync " + temporary);
        // Device, inode and microseconds make the name unique for as long as the file exists.
        std::string final_path = fmt::format("{}new/{}.V{:x}I{:x}M{}.{}", delivery.path, now.tv_sec, status.st_dev,
                                             status.st_ino, now.tv_usec, host_name);
        if (::link(temporary.c_str(), final_path.c_str()) != 0)
            return fail_errno("link " + final_path);
        return sync_directory(delivery.path + "new");
    }();
    ::unlink(temporary.c_str());
    return stored;
}

}  // namespace

dsn::Outcome deliver_to_maildir(const Delivery& delivery, std::int64_t size_limit, std::string_view host_name)
{
    auto problem = [&](const Error& error) { return fmt::format("maildir delivery failed: {}", error.text()); };
    if (size_limit > 0 && static_cast<std::int64_t>(delivery.content.size()) > size_limit)
        return dsn::Outcome::bounced({5, 2, 2}, problem(Error::system(EFBIG, "error writing message")));
    auto stored = store(delivery, host_name);
    if (stored)
        return dsn::Outcome::delivered({2, 0, 0}, "delivered to maildir");
    if (stored.error().text().ends_with(std::strerror(EDQUOT)))
        return dsn::Outcome::bounced({5, 2, 2}, problem(stored.error()));
    return dsn::Outcome::deferred({4, 2, 0}, problem(stored.error()));
}

}  // namespace posthaste::mailbox
