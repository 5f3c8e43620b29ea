// recorder.cc — records what a process does to the files of one directory, from outside the product (LD_PRELOAD).
//
// Each call that changes files below $RECORD_DIRECTORY is passed on to the C library and then appended to $RECORD_LOG
// with one O_APPEND write, so that the records of all processes stand in one order. A sync writes two records, one
// before the call and one after it succeeded: what was written before the first is durable after the second.
// test/crash/replay.py reads the log.
//
// It also makes faults, as the environment says:
//   RECORD_FSYNC_DELAY_MS    every sync takes so much longer
//   RECORD_FSYNC_FAIL        a sync of a path that fits this pattern fails with EIO; RECORD_FSYNC_FAIL_WHEN: only while
//                            that file exists
//   RECORD_NO_SPACE_WHEN     while this file exists, no file can be created or grow: ENOSPC
//   RECORD_TRAP              while this file exists, the first process that comes to the operation it describes dies
//                            there by SIGKILL; the file is renamed to *.hit and holds its process id and program then.
//                            Text: <before|half|after> <kind> <program> <path> <second> <low> <high> <tag> <least
//                            size>, where program and paths are fnmatch(3) patterns, "!" before the program's negates
//                            it
//
// Record: u32 magic, u32 length of the rest, u8 kind, u8 tag, i64 microseconds, u32 process, u64 inode, i64 number,
// path, second path and program (u16 and bytes each), payload. A directory's path ends in "/". The tag of a write is
// the byte of a one-byte write, or the state in a segment's header; a sync has number and tag of what this process
// wrote last to that file (-1: nothing since its last sync), and its payload is the number of the thread. A write that
// is cut off by a kill leaves half a record, which the reader skips.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <map>
#include <mutex>
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

// The environment as it is when the library is loaded: postdrop clears it.
struct Settings {
    const char* directory = std::getenv("RECORD_DIRECTORY");
    const char* log = std::getenv("RECORD_LOG");
    const char* trap = std::getenv("RECORD_TRAP");
    const char* delay = std::getenv("RECORD_FSYNC_DELAY_MS");
    const char* fail = std::getenv("RECORD_FSYNC_FAIL");
    const char* fail_when = std::getenv("RECORD_FSYNC_FAIL_WHEN");
    const char* no_space_when = std::getenv("RECORD_NO_SPACE_WHEN");
};

const Settings& settings()
{
    static const Settings read;
    return read;
}

[[gnu::constructor]] void read_settings() { settings(); }

const std::string& root()
{
    // Never destroyed: threads may still write while the process exits.
    static const auto* directory = new std::string(settings().directory ? settings().directory : "");
    return *directory;
}

// The log is opened anew after a fork only if the descriptor was closed: O_APPEND keeps shared descriptors in order.
int log_fd()
{
    static std::atomic<int> fd = -1;
    int current = fd.load();
    if (current >= 0 && ::fcntl(current, F_GETFD) >= 0)
        return current;
    const char* path = settings().log;
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

// One operation on a file, as it is recorded and as a trap is compared with it.
struct Operation {
    Kind kind;
    std::uint64_t inode = 0;
    std::int64_t number = 0;
    std::string path;
    std::string second{};
    std::uint8_t tag = 0xff;
    std::string_view payload{};
};

constexpr std::uint32_t magic = 0x31444352;  // "RCD1"

void record(const Operation& operation)
{
    int saved = errno;
    timeval now{};
    ::gettimeofday(&now, nullptr);
    std::string body;
    put(body, static_cast<std::uint8_t>(operation.kind));
    put(body, operation.tag);
    put(body, static_cast<std::int64_t>(now.tv_sec) * 1000000 + now.tv_usec);
    put(body, static_cast<std::uint32_t>(::getpid()));
    put(body, operation.inode);
    put(body, operation.number);
    put_text(body, operation.path);
    put_text(body, operation.second);
    put_text(body, program_invocation_short_name);
    body.append(operation.payload);
    std::string framed;
    put(framed, magic);
    put(framed, static_cast<std::uint32_t>(body.size()));
    framed += body;
    ::syscall(SYS_write, log_fd(), framed.data(), framed.size());
    errno = saved;
}

bool fits_program(std::string pattern)
{
    bool negated = pattern.starts_with('!');
    return (::fnmatch(pattern.c_str() + negated, program_invocation_short_name, 0) == 0) != negated;
}

// Whether the trap is set for this moment of this operation. Only one process wins the rename.
bool trapped(const char* moment, const Operation& operation)
{
    const char* trap = settings().trap;
    if (!trap)
        return false;
    int saved = errno;
    int fd = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, trap, O_RDONLY | O_CLOEXEC, 0));
    if (fd < 0) {
        errno = saved;
        return false;
    }
    char text[512] = "";
    ssize_t got = ::syscall(SYS_read, fd, text, sizeof text - 1);
    ::syscall(SYS_close, fd);
    char when[16];
    char program[64];
    char path[128];
    char second[128];
    int kind = 0;
    int tag = 0;
    long long low = 0;
    long long high = 0;
    unsigned long least = 0;
    bool fits = got > 0 &&
                std::sscanf(text, "%15s %d %63s %127s %127s %lld %lld %d %lu", when, &kind, program, path, second, &low,
                            &high, &tag, &least) == 9 &&
                std::strcmp(when, moment) == 0 && kind == static_cast<int>(operation.kind) && fits_program(program) &&
                ::fnmatch(path, operation.path.c_str(), 0) == 0 &&
                ::fnmatch(second, operation.second.c_str(), 0) == 0 && operation.number >= low &&
                operation.number <= high && (tag < 0 || tag == operation.tag) && operation.payload.size() >= least;
    std::string hit = std::string(trap) + ".hit";
    bool won = fits && ::syscall(SYS_rename, trap, hit.c_str()) == 0;
    if (won) {
        int note = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, hit.c_str(), O_WRONLY | O_TRUNC, 0));
        std::string who = std::to_string(::getpid()) + " " + program_invocation_short_name + "\n";
        ::syscall(SYS_write, note, who.data(), who.size());
    }
    errno = saved;
    return won;
}

void die_here() { ::kill(::getpid(), SIGKILL); }

void before(const Operation& operation)
{
    if (trapped("before", operation))
        die_here();
}

void after(const Operation& operation)
{
    record(operation);
    if (trapped("after", operation))
        die_here();
}

// What this process wrote last to a file that it has not synced since.
struct LastWrite {
    std::int64_t number = -1;
    std::uint8_t tag = 0xff;
};
std::mutex last_writes_mutex;
std::map<std::uint64_t, LastWrite>& last_writes()
{
    static auto* writes = new std::map<std::uint64_t, LastWrite>();
    return *writes;
}

constexpr std::size_t segment_header_size = 4096;
constexpr std::size_t segment_state_offset = 64;  // queue/layout.h, SegmentHeader

std::uint8_t tag_of(const std::string& path, std::int64_t offset, std::string_view bytes)
{
    if (bytes.size() == 1)
        return static_cast<std::uint8_t>(bytes[0]);
    if (path.starts_with("journal/0") && offset == 0 && bytes.size() == segment_header_size)
        return static_cast<std::uint8_t>(bytes[segment_state_offset]);
    return 0xff;
}

bool no_space()
{
    const char* when = settings().no_space_when;
    return when && ::syscall(SYS_faccessat, AT_FDCWD, when, F_OK) == 0;
}

// The inode if the descriptor is a regular file or directory below the recorded directory.
struct Known {
    bool recorded = false;
    std::uint64_t inode = 0;
    off64_t size = 0;
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
        result.size = status.st_size;
        result.path = inside(path) + (S_ISDIR(status.st_mode) ? "/" : "");
    }
    errno = saved;
    return result;
}

int open_recorded(int directory_fd, const char* path, int flags, mode_t mode)
{
    static auto real = next<int (*)(int, const char*, int, ...)>("openat64");
    if (!(flags & (O_CREAT | O_TRUNC)))
        return real(directory_fd, path, flags, mode);
    std::string full = inside(absolute(directory_fd, path));
    if (full.empty())
        return real(directory_fd, path, flags, mode);
    bool existed = ::faccessat(directory_fd, path, F_OK, 0) == 0;
    if (!existed && no_space()) {
        errno = ENOSPC;
        return -1;
    }
    bool creates = !existed && (flags & O_CREAT);
    Operation operation{.kind = creates ? Kind::Create : Kind::Truncate, .number = creates ? 0600 : 0, .path = full};
    before(operation);
    int fd = real(directory_fd, path, flags, mode);
    if (fd < 0 || !(creates || (flags & O_TRUNC)))
        return fd;
    operation.inode = known(fd).inode;
    after(operation);
    return fd;
}

bool sync_must_fail(const Known& file)
{
    const char* pattern = settings().fail;
    const char* when = settings().fail_when;
    return pattern && ::fnmatch(pattern, file.path.c_str(), 0) == 0 &&
           (!when || ::syscall(SYS_faccessat, AT_FDCWD, when, F_OK) == 0);
}

void delay_sync()
{
    if (settings().delay)
        ::usleep(static_cast<useconds_t>(std::atoi(settings().delay)) * 1000);
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
    LastWrite last;
    {
        std::lock_guard lock(last_writes_mutex);
        if (auto found = last_writes().find(file.inode); found != last_writes().end()) {
            last = found->second;
            last_writes().erase(found);
        }
    }
    Operation operation{
        .kind = Kind::SyncEnd, .inode = file.inode, .number = last.number, .path = file.path, .tag = last.tag};
    const std::string thread = std::to_string(::gettid());
    operation.payload = thread;
    Operation begin = operation;
    begin.kind = Kind::SyncBegin;
    record(begin);
    before(operation);
    delay_sync();
    int result = real(fd);
    if (result == 0)
        after(operation);
    return result;
}

// A write, whichever call makes it: `write_bytes` writes so many bytes from the beginning of the data.
template<class Write>
ssize_t write_recorded(std::string_view bytes, off64_t offset, const Known& file, Write write_bytes)
{
    if (offset + static_cast<off64_t>(bytes.size()) > file.size && no_space()) {
        errno = ENOSPC;
        return -1;
    }
    Operation operation{.kind = Kind::Write, .inode = file.inode, .number = offset, .path = file.path};
    operation.tag = tag_of(file.path, offset, bytes);
    operation.payload = bytes;
    before(operation);
    if (bytes.size() > 1 && trapped("half", operation)) {
        write_bytes(bytes.size() / 2);
        operation.payload = bytes.substr(0, bytes.size() / 2);
        record(operation);
        die_here();
    }
    {
        // Before the call: a sync on another thread may begin as soon as it returns.
        std::lock_guard lock(last_writes_mutex);
        last_writes()[file.inode] = {offset, operation.tag};
    }
    ssize_t done = write_bytes(bytes.size());
    if (done > 0) {
        operation.payload = bytes.substr(0, static_cast<std::size_t>(done));
        after(operation);
    }
    return done;
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
    off_t offset = (::fcntl(fd, F_GETFL) & O_APPEND) ? status.st_size : ::lseek(fd, 0, SEEK_CUR);
    return write_recorded({static_cast<const char*>(data), size}, offset, file,
                          [&](size_t count) { return real(fd, data, count); });
}

ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset)
{
    static auto real = next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
    Known file = known(fd);
    if (!file.recorded)
        return real(fd, data, size, offset);
    return write_recorded({static_cast<const char*>(data), size}, offset, file,
                          [&](size_t count) { return real(fd, data, count, offset); });
}

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) { return pwrite64(fd, data, size, offset); }

int ftruncate64(int fd, off64_t size)
{
    static auto real = next<int (*)(int, off64_t)>("ftruncate64");
    Known file = known(fd);
    int result = real(fd, size);
    if (result == 0 && file.recorded)
        after({.kind = Kind::Truncate, .inode = file.inode, .number = size, .path = file.path});
    return result;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int fchmod(int fd, mode_t mode)
{
    static auto real = next<int (*)(int, mode_t)>("fchmod");
    Known file = known(fd);
    Operation operation{.kind = Kind::Mode, .inode = file.inode, .number = mode, .path = file.path};
    if (file.recorded)
        before(operation);
    int result = real(fd, mode);
    if (result == 0 && file.recorded)
        after(operation);
    return result;
}

int futimens(int fd, const timespec times[2])
{
    static auto real = next<int (*)(int, const timespec*)>("futimens");
    int result = real(fd, times);
    if (Known file = known(fd); result == 0 && file.recorded && times)
        after({.kind = Kind::Time,
               .inode = file.inode,
               .number = times[1].tv_sec * 1000000000LL + times[1].tv_nsec,
               .path = file.path});
    return result;
}

int utimensat(int directory_fd, const char* path, const timespec times[2], int flags)
{
    static auto real = next<int (*)(int, const char*, const timespec*, int)>("utimensat");
    int result = real(directory_fd, path, times, flags);
    struct stat status{};
    std::string full = inside(absolute(directory_fd, path));
    if (result == 0 && !full.empty() && times && ::fstatat(directory_fd, path, &status, 0) == 0)
        after({.kind = Kind::Time,
               .inode = status.st_ino,
               .number = times[1].tv_sec * 1000000000LL + times[1].tv_nsec,
               .path = full});
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
    record({.kind = Kind::SyncAllBegin, .path = {}});
    Operation operation{.kind = Kind::SyncAllEnd, .path = {}};
    before(operation);
    delay_sync();
    int result = real(fd);
    if (result == 0)
        after(operation);
    return result;
}

int rename(const char* from, const char* to)
{
    static auto real = next<int (*)(const char*, const char*)>("rename");
    Operation operation{
        .kind = Kind::Rename, .path = inside(absolute(AT_FDCWD, from)), .second = inside(absolute(AT_FDCWD, to))};
    bool recorded = !operation.second.empty();
    if (recorded)
        before(operation);
    int result = real(from, to);
    if (result == 0 && recorded)
        after(operation);
    return result;
}

int link(const char* from, const char* to)
{
    static auto real = next<int (*)(const char*, const char*)>("link");
    int result = real(from, to);
    if (std::string target = inside(absolute(AT_FDCWD, to)); result == 0 && !target.empty())
        after({.kind = Kind::Link, .path = inside(absolute(AT_FDCWD, from)), .second = target});
    return result;
}

int unlink(const char* path)
{
    static auto real = next<int (*)(const char*)>("unlink");
    Operation operation{.kind = Kind::Unlink, .path = inside(absolute(AT_FDCWD, path))};
    if (!operation.path.empty())
        before(operation);
    int result = real(path);
    if (result == 0 && !operation.path.empty())
        after(operation);
    return result;
}

int mkdir(const char* path, mode_t mode)
{
    static auto real = next<int (*)(const char*, mode_t)>("mkdir");
    int result = real(path, mode);
    if (std::string full = inside(absolute(AT_FDCWD, path)); result == 0 && !full.empty())
        after({.kind = Kind::MakeDirectory, .number = mode, .path = full});
    return result;
}

}  // extern "C"
