// retry_schedule.cc — see retry_schedule.h.
#include "daemon/qmgr/retry_schedule.h"

#include <algorithm>

namespace posthaste::qmgr {

Seconds next_attempt(Seconds now, Seconds arrival, Backoff backoff)
{
    const Seconds age = std::max<Seconds>(now - arrival, 0);
    return now + std::max<Seconds>(std::min<Seconds>(age, backoff.maximum.count()), backoff.minimum.count());
}

Seconds previous_attempt(Seconds retry_time, Seconds arrival, Backoff backoff)
{
    // Where the age decided, retry_time = attempt + (attempt - arrival).
    const Seconds by_age = arrival + (retry_time - arrival) / 2;
    return std::clamp(by_age, retry_time - std::max(backoff.maximum.count(), backoff.minimum.count()),
                      retry_time - backoff.minimum.count());
}

void RetrySchedule::put(std::string queue_id, Seconds due)
{
    due_[queue_id] = due;
    heap_.push({.queue_id = std::move(queue_id), .due = due});
    constexpr std::size_t tolerated = 1000;
    if (heap_.size() > 2 * due_.size() + tolerated)
        rebuild();
}

bool RetrySchedule::remove(const std::string& queue_id) { return due_.erase(queue_id) > 0; }

std::optional<RetrySchedule::Due> RetrySchedule::take_due(Seconds now)
{
    while (!heap_.empty() && heap_.top().due <= now) {
        Due next = heap_.top();
        heap_.pop();
        auto found = due_.find(next.queue_id);
        if (found == due_.end() || found->second != next.due)
            continue;
        due_.erase(found);
        return next;
    }
    return std::nullopt;
}

void RetrySchedule::make_all_due(Seconds now)
{
    for (auto& [id, due] : due_)
        due = std::min(due, now);
    rebuild();
}

void RetrySchedule::rebuild()
{
    std::vector<Due> entries;
    entries.reserve(due_.size());
    for (const auto& [id, due] : due_)
        entries.push_back({.queue_id = id, .due = due});
    heap_ = decltype(heap_)(Later(), std::move(entries));
}

void RetrySchedule::for_each(const std::function<void(const std::string& queue_id)>& callback) const
{
    for (const auto& [id, due] : due_)
        callback(id);
}

}  // namespace posthaste::qmgr
