// file_time.h — a queue file's modification time, which is when a deferred message is due, in both its forms.
#pragma once

#include <chrono>
#include <ctime>

namespace posthaste::queue {

using WallTime = std::chrono::system_clock::time_point;

inline WallTime wall_time(const timespec& stamp)
{
    return WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::seconds(stamp.tv_sec) +
                                                                   std::chrono::nanoseconds(stamp.tv_nsec)));
}

// tv_nsec counts up from the whole second, before 1970, too.
inline timespec file_time(WallTime when)
{
    const auto since = when.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
    const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds);
    return {.tv_sec = seconds.count(), .tv_nsec = static_cast<long>(rest.count())};
}

}  // namespace posthaste::queue
