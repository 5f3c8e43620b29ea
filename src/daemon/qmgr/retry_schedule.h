// retry_schedule.h — when which deferred message is due. A queue id and a time for each, nothing else: the messages
// themselves are files in deferred/. About 70 bytes a message, a million fit in 70 MB.
#pragma once

#include "queue/queue_id.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::qmgr {

using Seconds = std::int64_t;  // since the epoch

struct Backoff {
    std::chrono::seconds minimum{300};   // minimal_backoff_time
    std::chrono::seconds maximum{4000};  // maximal_backoff_time
};

// What is added to the pauses of this message, in parts of 20,000 of them: up to a twentieth, so that messages that
// failed together are not tried again together. Always the same for a queue id.
Seconds jitter_of(std::string_view queue_id);
// The longest pause there is.
std::chrono::seconds longest_pause(Backoff backoff);
// The time of the next attempt: as long again as the message has existed, within the bounds; and the jitter.
Seconds next_attempt(Seconds now, Seconds arrival, Backoff backoff, Seconds jitter);
// The inverse: when next_attempt() gave this retry time. It tells, without anything being stored, whether the moment
// of a delay warning lies between the last attempt and this one.
Seconds previous_attempt(Seconds retry_time, Seconds arrival, Backoff backoff, Seconds jitter);

// Loop's thread only. Entries lie in blocks that are never copied, so that growing has no peak; places in them are
// ordered by a binary heap (who is next) and found through a chained hash table (by queue id).
class RetrySchedule {
public:
    // Replaces the time of a message that is there already.
    void put(std::string_view queue_id, Seconds due);
    // When it was due, if it was there.
    std::optional<Seconds> remove(std::string_view queue_id);
    [[nodiscard]] bool contains(std::string_view queue_id) const { return find(queue_id) != nowhere; }
    [[nodiscard]] std::size_t size() const { return heap_.size(); }

    struct Due {
        std::string queue_id;
        Seconds due = 0;       // as it was planned
        bool flushed = false;  // it may be earlier
    };
    // The one that is due longest, taken out; nothing if none is due.
    std::optional<Due> take_due(Seconds now);
    // `postqueue -f`: everything that is here now is due. The order stays. A hundred thousand take a millisecond.
    void make_all_due();
    // The same for one.
    void make_due(std::string_view queue_id);

private:
    using Place = std::uint32_t;  // in entries_
    static constexpr Seconds flushed_by = Seconds{1} << 60;
    static constexpr bool is_flushed(Seconds due) { return due < -flushed_by / 2; }
    static constexpr Seconds planned(Seconds due) { return is_flushed(due) ? due + flushed_by : due; }
    static constexpr Place nowhere = 0xffffffff;
    struct Entry {
        std::array<char, queue::longest_queue_id> queue_id;  // padded with zeros
        Seconds due;                                         // less flushed_by: it is due whatever the time
        Place in_heap;
        Place next;  // of the same hash bucket, or of the free ones

        [[nodiscard]] std::string_view name() const;
    };
    [[nodiscard]] Place& bucket_of(std::string_view queue_id);
    [[nodiscard]] Place find(std::string_view queue_id) const;
    Place new_entry(std::string_view queue_id);
    void remove_at(Place place);
    void grow_buckets();
    void set(std::size_t position, Place place);
    void sift_up(std::size_t position);
    void sift_down(std::size_t position);

    std::deque<Entry> entries_;
    Place free_ = nowhere;
    std::vector<Place> heap_;
    std::vector<Place> buckets_;
};

}  // namespace posthaste::qmgr
