// journal/positions: how far each segment is durable, published by writers for the queue manager.
//
// A small file that all mail processes map shared: one slot a segment number. It is never synced and means nothing
// after a power cut (an unlocked segment is scanned to its end); while a writer lives, it bounds how far its segment
// may be read, so that nothing is delivered that could still be refused with 451. Atomic operations only. In the place
// of slot 0, a number that no segment has, is how much mail was committed and how much of it was taken (in_flow.h).
//
// The file has holes where no segment is. A page of it gets its room on disk before it is touched: a full disk is then
// an error, and no bus error.
#pragma once

#include "base/fd.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace posthaste::queue {

class Positions {
public:
    struct Slot {
        std::atomic<std::uint64_t> generation;
        std::atomic<std::uint64_t> durable_end;  // byte offset; everything before it has been flushed
        std::atomic<std::uint64_t> sealed;       // generation whose writer has gone on to another segment
    };
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

    struct Flow {
        std::atomic<std::uint64_t> committed;   // messages, by all writers
        std::atomic<std::uint64_t> taken;       // of those, by the queue manager
        std::atomic<std::uint64_t> is_counted;  // 1 since a queue manager that counts has had this queue
    };
    static_assert(sizeof(Flow) == sizeof(Slot));

    static Result<std::unique_ptr<Positions>> open(const std::string& directory);
    Positions(UniqueFd fd, Slot* slots);
    ~Positions();
    Positions(const Positions&) = delete;
    Positions& operator=(const Positions&) = delete;

    // Writer: a new segment begins; its frames so far are none. publish() and seal() are for segments that have begun.
    Result<void> begin(std::uint64_t number, std::uint64_t generation, std::uint64_t frames_offset);
    void publish(std::uint64_t number, std::uint64_t durable_end);
    void seal(std::uint64_t number, std::uint64_t generation);

    struct View {
        std::uint64_t generation = 0;
        std::uint64_t durable_end = 0;
        bool sealed = false;
    };
    // Nothing published, too, if there is no room for the slot: nobody can have used it.
    [[nodiscard]] View view(std::uint64_t number) const;
    // Null if there is no room for it on disk.
    [[nodiscard]] Flow* flow() const;

private:
    // NoSpace if there is no room on disk for this slot's page.
    Result<void> back(std::uint64_t number) const;

    UniqueFd fd_;
    Slot* slots_;
    mutable std::vector<std::atomic<bool>> backed_;  // by page: room has been made
};

}  // namespace posthaste::queue
