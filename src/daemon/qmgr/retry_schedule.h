// retry_schedule.h — when which deferred message is due. A queue id and a time for each, nothing else: the messages
// themselves are files in deferred/ (about 150 bytes a message, a million fit in 150 MB).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
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

// Loop's thread only. Entries that were replaced or removed stay in the heap until they come up or it is rebuilt.
class RetrySchedule {
public:
    void put(std::string queue_id, Seconds due);
    bool remove(const std::string& queue_id);
    [[nodiscard]] bool contains(const std::string& queue_id) const { return due_.contains(queue_id); }
    [[nodiscard]] std::size_t size() const { return due_.size(); }

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
    struct Later {
        bool operator()(const Due& a, const Due& b) const { return a.due > b.due; }
    };
    void rebuild();

    std::unordered_map<std::string, Seconds> due_;  // the truth
    std::priority_queue<Due, std::vector<Due>, Later> heap_;
};

}  // namespace posthaste::qmgr
