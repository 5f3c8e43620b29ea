// Memory for coroutine frames: those that were freed last are used again.
//
// A message passes through about a hundred frames, and many are larger than what malloc(3) keeps at hand for a thread
// (1 KiB), so that it would split and join blocks for each. A thread keeps at most kept_bytes of each size class.
// Under sanitizers every frame comes from the heap, so that its use after its end is seen.
#pragma once

#include <array>
#include <cstddef>
#include <new>
#include <utility>

namespace posthaste::net {

class FramePool {
public:
    static void* allocate(std::size_t size)
    {
        std::size_t index = class_of(size);  // NOLINT(clang-analyzer-deadcode.DeadStores): unread under sanitizers
        if (!keeps_frames || index >= classes)
            return ::operator new(size);
        Class& place = places_[index];
        if (!place.free)
            return ::operator new((index + 1) * granularity);
        --place.count;
        return std::exchange(place.free, place.free->next);
    }

    static void release(void* frame, std::size_t size) noexcept
    {
        std::size_t index = class_of(size);  // NOLINT(clang-analyzer-deadcode.DeadStores): unread under sanitizers
        if (!keeps_frames || index >= classes || places_[index].count >= kept_bytes / ((index + 1) * granularity)) {
            ::operator delete(frame);
            return;
        }
        Class& place = places_[index];
        place.free = new (frame) Free{place.free};
        ++place.count;
    }

private:
    struct Free {
        Free* next;
    };
    struct Class {
        Free* free;
        std::size_t count;
    };

    static constexpr std::size_t granularity = 128;
    static constexpr std::size_t classes = 32;  // frames of up to 4 KiB
    static constexpr std::size_t kept_bytes = std::size_t{64} << 10;
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    static constexpr bool keeps_frames = false;
#else
    static constexpr bool keeps_frames = true;
#endif

    static constexpr std::size_t class_of(std::size_t size) { return (size - 1) / granularity; }

    static inline constinit thread_local std::array<Class, classes> places_{};
};

// What a promise type derives from to have its frames there.
struct PooledFrame {
    static void* operator new(std::size_t size) { return FramePool::allocate(size); }
    static void operator delete(void* frame, std::size_t size) noexcept { FramePool::release(frame, size); }
};

}  // namespace posthaste::net
