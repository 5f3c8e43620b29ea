// recorder.cc — records what a process does to the files of one directory, from outside the product (LD_PRELOAD).
//
// Each call that changes files below $RECORD_DIRECTORY is passed on to the C library and then appended to $RECORD_LOG
// with one O_APPEND write, so that the records of all processes stand in one order. A sync writes two records, one
// before the call and one after it succeeded: what was written before the first is durable after the second.
// test/crash/replay.py reads the log. $RECORD_FSYNC_DELAY_MS delays every sync, $RECORD_FSYNC_FAIL makes every sync
// of a file whose path contains that text fail with EIO (while the file $RECORD_FSYNC_FAIL_WHEN exists).
//
// Record: u32 length of the rest, u8 kind, i64 microseconds, u32 process, u64 inode, i64 number, u16 and bytes of a
// path, u16 and bytes of a second path, payload.
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

enum class Kind : std::uint8_t {
    Create = 1,
    Write = 2,  // number: offset
    Truncate = 3,
    Mode = 4,
    Time = 5,  // number: modification time in nanoseconds
    SyncBegin = 6,
    SyncEnd = 7,
    SyncAllBegin = 8,
    SyncAllEnd = 9,
    Rename = 10,
    Unlink = 11,
    MakeDirectory = 12,
    Link = 13,
};

template<class F>
F next(const char* name)
{
    return reinterpret_cast<F>(::dlsym(RTLD_NEXT, name));
}

const std::string& root()
{
    static const std::string directory = [] {
        const char* value = std::getenv("RECORD_DIRECTORY");
        return std::string(value ? value : "");
    }();
    return directory;
}

// The log is opened anew after a fork only if the descriptor was closed: O_APPEND keeps shared descriptors in order.
int log_fd()
{
    static std::atomic<int> fd = -1;
    int current = fd.load();
    if (current >= 0 && ::fcntl(current, F_GETFD) >= 0)
        return current;
    const char* path = std::getenv("RECORD_LOG");
    if (!path)
        return -1;
    int opened =
        static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666));
    // High up, out of the way of programs that count their descriptors.
    int high = ::fcntl(opened, F_DUPFD_CLOEXEC, 900);
    if (high >= 0) {
        ::syscall(SYS_close, opened);
        opened = high;
    }
    fd.store(opened);
    return opened;
}

// Path below the recorded directory, or empty if it lies elsewhere.
std::string inside(const std::string& absolute)
{
    if (root().empty() || !absolute.starts_with(root() + "/"))
        return {};
    return absolute.substr(root().size() + 1);
}

std::string path_of_fd(int fd)
{
    char link[64];
    char target[4096];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = ::readlink(link, target, sizeof target);
    return length > 0 ? std::string(target, static_cast<std::size_t>(length)) : std::string();
}

std::string absolute(int directory_fd, const char* path)
{
    std::string text = path ? path : "";
    if (!text.starts_with('/')) {
        char buffer[4096];
        std::string base =
            directory_fd == AT_FDCWD ? (::getcwd(buffer, sizeof buffer) ? buffer : "") : path_of_fd(directory_fd);
        text = base + "/" + text;
    }
    std::string clean;
    std::size_t position = 0;
    while (position < text.size()) {
        std::size_t end = text.find('/', position + 1);
        if (end == std::string::npos)
            end = text.size();
        std::string_view part(text.data() + position, end - position);
        if (part != "/" && part != "/." && !part.empty())
            clean += part;
        position = end;
    }
    return clean;
}

void put(std::string& out, const void* data, std::size_t size) { out.append(static_cast<const char*>(data), size); }

template<class T>
void put(std::string& out, T value)
{
    put(out, &value, sizeof value);
}

void put_text(std::string& out, std::string_view text)
{
    put(out, static_cast<std::uint16_t>(text.size()));
    out.append(text);
}

void record(Kind kind, std::uint64_t inode, std::int64_t number, std::string_view path = {},
            std::string_view second = {}, std::string_view payload = {})
{
    int saved = errno;
    timeval now{};
    ::gettimeofday(&now, nullptr);
    std::string body;
    put(body, static_cast<std::uint8_t>(kind));
    put(body, static_cast<std::int64_t>(now.tv_sec) * 1000000 + now.tv_usec);
    put(body, static_cast<std::uint32_t>(::getpid()));
    put(body, inode);
    put(body, number);
    put_text(body, path);
    put_text(body, second);
    body.append(payload);
    std::string framed;
    put(framed, static_cast<std::uint32_t>(body.size()));
    framed += body;
    ::syscall(SYS_write, log_fd(), framed.data(), framed.size());
    errno = saved;
}

// The inode if the descriptor is a regular file or directory below the recorded directory.
struct Known {
    bool recorded = false;
    std::uint64_t inode = 0;
    std::string path;
};

Known known(int fd)
{
    int saved = errno;
    Known result;
    struct stat status{};
    if (!root().empty() && ::fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))) {
        std::string path = path_of_fd(fd);
        result.recorded = path == root() || path.starts_with(root() + "/");
        result.inode = status.st_ino;
        result.path = inside(path);
    }
    errno = saved;
    return result;
}

void note_open(const std::string& path, bool existed, int fd, int flags)
{
    if (fd < 0 || inside(path).empty())
        return;
    Known file = known(fd);
    if (!existed && (flags & O_CREAT))
        record(Kind::Create, file.inode, 0600, inside(path));
    else if (flags & O_TRUNC)
        record(Kind::Truncate, file.inode, 0, inside(path));
}

int open_recorded(int directory_fd, const char* path, int flags, mode_t mode)
{
    static auto real = next<int (*)(int, const char*, int, ...)>("openat64");
    if (!(flags & (O_CREAT | O_TRUNC)))
        return real(directory_fd, path, flags, mode);
    std::string full = absolute(directory_fd, path);
    bool existed = ::faccessat(directory_fd, path, F_OK, 0) == 0;
    int fd = real(directory_fd, path, flags, mode);
    note_open(full, existed, fd, flags);
    return fd;
}

bool sync_must_fail(const Known& file)
{
    const char* text = std::getenv("RECORD_FSYNC_FAIL");
    const char* when = std::getenv("RECORD_FSYNC_FAIL_WHEN");
    return text && file.path.find(text) != std::string::npos && (!when || ::access(when, F_OK) == 0);
}

int sync_recorded(int fd, int (*real)(int))
{
    Known file = known(fd);
    if (!file.recorded)
        return real(fd);
    if (sync_must_fail(file)) {
        errno = EIO;
        return -1;
    }
    record(Kind::SyncBegin, file.inode, 0, file.path);
    if (const char* delay = std::getenv("RECORD_FSYNC_DELAY_MS"))
        ::usleep(static_cast<useconds_t>(std::atoi(delay)) * 1000);
    int result = real(fd);
    if (result == 0)
        record(Kind::SyncEnd, file.inode, 0, file.path);
    return result;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = va_arg(list, mode_t);
    va_end(list);
    return open_recorded(AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = va_arg(list, mode_t);
    va_end(list);
    return open_recorded(AT_FDCWD, path, flags, mode);
}

int openat(int directory_fd, const char* path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = va_arg(list, mode_t);
    va_end(list);
    return open_recorded(directory_fd, path, flags, mode);
}

ssize_t write(int fd, const void* data, size_t size)
{
    static auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
    Known file = known(fd);
    if (!file.recorded)
        return real(fd, data, size);
    struct stat status{};
    ::fstat(fd, &status);
    off_t before = (::fcntl(fd, F_GETFL) & O_APPEND) ? status.st_size : ::lseek(fd, 0, SEEK_CUR);
    ssize_t done = real(fd, data, size);
    if (done > 0)
        record(Kind::Write, file.inode, before, file.path, {},
               {static_cast<const char*>(data), static_cast<size_t>(done)});
    return done;
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset)
{
    static auto real = next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
    Known file = known(fd);
    ssize_t done = real(fd, data, size, offset);
    if (done > 0 && file.recorded)
        record(Kind::Write, file.inode, offset, file.path, {},
               {static_cast<const char*>(data), static_cast<size_t>(done)});
    return done;
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) { return pwrite64(fd, data, size, offset); }

int ftruncate64(int fd, off64_t size)
{
    static auto real = next<int (*)(int, off64_t)>("ftruncate64");
    int result = real(fd, size);
    if (Known file = known(fd); result == 0 && file.recorded)
        record(Kind::Truncate, file.inode, size, file.path);
    return result;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int fchmod(int fd, mode_t mode)
{
    static auto real = next<int (*)(int, mode_t)>("fchmod");
    int result = real(fd, mode);
    if (Known file = known(fd); result == 0 && file.recorded)
        record(Kind::Mode, file.inode, static_cast<std::int64_t>(mode), file.path);
    return result;
}

int futimens(int fd, const timespec times[2])
{
    static auto real = next<int (*)(int, const timespec*)>("futimens");
    int result = real(fd, times);
    if (Known file = known(fd); result == 0 && file.recorded && times)
        record(Kind::Time, file.inode, times[1].tv_sec * 1000000000LL + times[1].tv_nsec, file.path);
    return result;
}

int utimensat(int directory_fd, const char* path, const timespec times[2], int flags)
{
    static auto real = next<int (*)(int, const char*, const timespec*, int)>("utimensat");
    int result = real(directory_fd, path, times, flags);
    struct stat status{};
    std::string full = inside(absolute(directory_fd, path));
    if (result == 0 && !full.empty() && times && ::fstatat(directory_fd, path, &status, 0) == 0)
        record(Kind::Time, status.st_ino, times[1].tv_sec * 1000000000LL + times[1].tv_nsec, full);
    return result;
}

int fsync(int fd)
{
    static auto real = next<int (*)(int)>("fsync");
    return sync_recorded(fd, real);
}

int fdatasync(int fd)
{
    static auto real = next<int (*)(int)>("fdatasync");
    return sync_recorded(fd, real);
}

int syncfs(int fd)
{
    static auto real = next<int (*)(int)>("syncfs");
    record(Kind::SyncAllBegin, 0, 0);
    int result = real(fd);
    if (result == 0)
        record(Kind::SyncAllEnd, 0, 0);
    return result;
}

int renameat2_recorded(const char* from, const char* to)
{
    static auto real = next<int (*)(const char*, const char*)>("rename");
    std::string source = absolute(AT_FDCWD, from);
    std::string target = absolute(AT_FDCWD, to);
    int result = real(from, to);
    if (result == 0 && !inside(target).empty())
        record(Kind::Rename, 0, 0, inside(source), inside(target));
    return result;
}

int rename(const char* from, const char* to) { return renameat2_recorded(from, to); }

int link(const char* from, const char* to)
{
    static auto real = next<int (*)(const char*, const char*)>("link");
    int result = real(from, to);
    if (std::string target = inside(absolute(AT_FDCWD, to)); result == 0 && !target.empty())
        record(Kind::Link, 0, 0, inside(absolute(AT_FDCWD, from)), target);
    return result;
}

int unlink(const char* path)
{
    static auto real = next<int (*)(const char*)>("unlink");
    std::string full = inside(absolute(AT_FDCWD, path));
    int result = real(path);
    if (result == 0 && !full.empty())
        record(Kind::Unlink, 0, 0, full);
    return result;
}

int mkdir(const char* path, mode_t mode)
{
    static auto real = next<int (*)(const char*, mode_t)>("mkdir");
    int result = real(path, mode);
    if (std::string full = inside(absolute(AT_FDCWD, path)); result == 0 && !full.empty())
        record(Kind::MakeDirectory, 0, static_cast<std::int64_t>(mode), full);
    return result;
}

}  // extern "C"
