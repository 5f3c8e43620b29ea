// clock_shift.cc — a system clock that jumps, from outside the product (LD_PRELOAD).
//
// Adds the seconds in $CLOCK_SHIFT (a file of one 64-bit integer, which is mapped when the library is loaded, so that a
// jail is no obstacle) to what a process is told when it asks what time it is. All processes jump at the same moment.
// Clocks that only run are left alone, as are the times that the kernel gives to files.
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

const std::atomic<std::int64_t>* mapped()
{
    const char* path = std::getenv("CLOCK_SHIFT");
    int fd = path ? static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0)) : -1;
    void* base = fd < 0 ? MAP_FAILED : ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0)
        ::syscall(SYS_close, fd);
    return base == MAP_FAILED ? nullptr : static_cast<const std::atomic<std::int64_t>*>(base);
}

time_t shift()
{
    static const std::atomic<std::int64_t>* const seconds = mapped();
    return seconds ? seconds->load(std::memory_order_relaxed) : 0;
}

// The environment as it is when the library is loaded: postdrop clears it.
[[gnu::constructor]] void read_environment() { shift(); }

bool jumps(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI; }

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now)
{
    // Not the C library's function: to look it up takes memory, for which a sanitizer may ask for the time.
    int result = static_cast<int>(::syscall(SYS_clock_gettime, clock, now));
    if (result == 0 && jumps(clock))
        now->tv_sec += shift();
    return result;
}

int gettimeofday(timeval* __restrict now, void* __restrict /*zone*/)
{
    timespec precise{};
    int result = clock_gettime(CLOCK_REALTIME, &precise);
    *now = {.tv_sec = precise.tv_sec, .tv_usec = precise.tv_nsec / 1000};
    return result;
}

time_t time(time_t* out)
{
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

}  // extern "C"
