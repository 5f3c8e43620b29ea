// retry_schedule.h — when which deferred message is due. A queue id and a time for each, nothing else: the messages
// themselves are files in deferred/. About 70 bytes a message, a million fit in 70 MB.
#pragma once

#include "queue/queue_id.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
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

// The time of the next attempt: as long again as the message has existed, within the bounds.
Seconds next_attempt(Seconds now, Seconds arrival, Backoff backoff);
// The inverse: when next_attempt() gave this retry time. It tells, without anything being stored, whether the moment
// of a delay warning lies between the last attempt and this one.
Seconds previous_attempt(Seconds retry_time, Seconds arrival, Backoff backoff);

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
        Seconds due = 0;
    };
    // The one that is due longest, taken out; nothing if none is due.
    std::optional<Due> take_due(Seconds now);
    // `postqueue -f`: everything is due now. Those that were due earlier keep their place in the order.
    void make_all_due(Seconds now);
    void for_each(const std::function<void(const std::string& queue_id)>& callback) const;

private:
    using Place = std::uint32_t;  // in entries_
    static constexpr Place nowhere = 0xffffffff;
    struct Entry {
        std::array<char, queue::longest_queue_id> queue_id;  // padded with zeros
        Seconds due;
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
