// fd.cc — see fd.h.
#include "base/fd.h"

#include <cerrno>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace posthaste {

Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode)
{
    int fd;
    do
        fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return fail_errno("open " + path);
    return UniqueFd(fd);
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes)
{
    TRY(UniqueFd fd, open_file(path, O_RDONLY | O_NONBLOCK));  // opening a FIFO must not wait
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0)
        return fail_errno("stat " + path);
    if (S_ISFIFO(status.st_mode)) {
        struct statfs system{};
        const bool is_pipe =
            ::fstatfs(fd.get(), &system) == 0 && system.f_type == PIPEFS_MAGIC;  // <(command) of a shell
        if (!is_pipe || ::fcntl(fd.get(), F_SETFL, 0) != 0)
            return fail(ErrorKind::Io, path + ": is a FIFO, not a file");
    }
    std::string content;
    char buffer[65536];
    for (;;) {
        ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno("read " + path);
        if (n == 0)
            return content;
        if (content.size() + static_cast<std::size_t>(n) > max_bytes)
            return fail(ErrorKind::Limit, path + ": larger than " + std::to_string(max_bytes) + " bytes");
        content.append(buffer, static_cast<std::size_t>(n));
    }
}

Result<void> replace_file(const std::string& path, std::string_view content, mode_t mode)
{
    std::string temporary = path + ".tmp" + std::to_string(::getpid());
    TRY(UniqueFd fd, open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode));
    Result<void> written = write_fully(fd.get(), content);
    if (written && ::fchmod(fd.get(), mode) != 0)
        written = fail_errno("chmod " + temporary);
    if (written && ::fsync(fd.get()) != 0)
        written = fail_errno("fsync " + temporary);
    if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
        written = fail_errno("rename " + temporary + " to " + path);
    if (!written) {
        ::unlink(temporary.c_str());
        return written;
    }
    std::size_t slash = path.rfind('/');
    return sync_directory(slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash));
}

Result<void> write_fully(int fd, std::string_view bytes)
{
    while (!bytes.empty()) {
        ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno("write");
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
}

Result<void> write_fully_at(int fd, std::string_view bytes, off_t offset)
{
    while (!bytes.empty()) {
        ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno("write");
        bytes.remove_prefix(static_cast<std::size_t>(n));
        offset += n;
    }
    return {};
}

Result<std::size_t> read_fully_at(int fd, std::span<char> buffer, off_t offset)
{
    std::size_t done = 0;
    while (done < buffer.size()) {
        ssize_t n = ::pread(fd, buffer.data() + done, buffer.size() - done, offset + static_cast<off_t>(done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno("read");
        if (n == 0)
            break;
        done += static_cast<std::size_t>(n);
    }
    return done;
}

Result<void> sync_directory(const std::string& path)
{
    TRY(UniqueFd fd, open_file(path, O_RDONLY | O_DIRECTORY));
    if (::fsync(fd.get()) != 0)
        return fail_errno("fsync " + path);
    return {};
}

Result<void> sync_file_system(const std::string& directory)
{
    TRY(UniqueFd fd, open_file(directory, O_RDONLY | O_DIRECTORY));
    if (::syncfs(fd.get()) != 0)
        return fail_errno("syncfs " + directory);
    return {};
}

Result<void> set_nonblocking(int fd)
{
    int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return fail_errno("fcntl O_NONBLOCK");
    return {};
}

}  // namespace posthaste
