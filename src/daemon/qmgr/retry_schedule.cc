// retry_schedule.cc — see retry_schedule.h.
#include "daemon/qmgr/retry_schedule.h"

#include "base/result.h"
#include "queue/layout.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace posthaste::qmgr {

namespace {

constexpr Seconds jitter_unit = 20'000;
constexpr Seconds most_jitter = jitter_unit / 20;

Seconds with_jitter(Seconds pause, Seconds jitter) { return pause + pause * jitter / jitter_unit; }

}  // namespace

Seconds jitter_of(std::string_view queue_id)
{
    return static_cast<Seconds>(queue::hash_of(queue_id) % (most_jitter + 1));
}

std::chrono::seconds longest_pause(Backoff backoff)
{
    return std::chrono::seconds(with_jitter(std::max(backoff.maximum, backoff.minimum).count(), most_jitter));
}

Seconds next_attempt(Seconds now, Seconds arrival, Backoff backoff, Seconds jitter)
{
    const Seconds age = std::max<Seconds>(now - arrival, 0);
    const Seconds pause = std::max<Seconds>(std::min<Seconds>(age, backoff.maximum.count()), backoff.minimum.count());
    return now + with_jitter(pause, jitter);
}

Seconds previous_attempt(Seconds retry_time, Seconds arrival, Backoff backoff, Seconds jitter)
{
    // Where the age decided, retry_time = attempt + (attempt - arrival) * (1 + jitter).
    const Seconds by_age = arrival + (retry_time - arrival) * jitter_unit / (2 * jitter_unit + jitter);
    return std::clamp(by_age,
                      retry_time - with_jitter(std::max(backoff.maximum.count(), backoff.minimum.count()), jitter),
                      retry_time - with_jitter(backoff.minimum.count(), jitter));
}

std::string_view RetrySchedule::Entry::name() const
{
    return {queue_id.data(), ::strnlen(queue_id.data(), queue_id.size())};
}

RetrySchedule::Place& RetrySchedule::bucket_of(std::string_view queue_id)
{
    return buckets_[std::hash<std::string_view>()(queue_id) % buckets_.size()];
}

RetrySchedule::Place RetrySchedule::find(std::string_view queue_id) const
{
    if (buckets_.empty())
        return nowhere;
    Place place = buckets_[std::hash<std::string_view>()(queue_id) % buckets_.size()];
    while (place != nowhere && entries_[place].name() != queue_id)
        place = entries_[place].next;
    return place;
}

void RetrySchedule::grow_buckets()
{
    constexpr std::size_t fewest = 1024;
    buckets_.assign(std::max(fewest, 2 * buckets_.size()), nowhere);
    for (Place place : heap_) {
        Place& bucket = bucket_of(entries_[place].name());
        entries_[place].next = std::exchange(bucket, place);
    }
}

RetrySchedule::Place RetrySchedule::new_entry(std::string_view queue_id)
{
    if (queue_id.size() > queue::longest_queue_id)
        panic("queue id " + std::string(queue_id) + " is too long");
    if (heap_.size() >= buckets_.size())
        grow_buckets();
    Place place = free_;
    if (place == nowhere) {
        place = static_cast<Place>(entries_.size());
        entries_.emplace_back();
    } else {
        free_ = entries_[place].next;
    }
    Entry& entry = entries_[place];
    entry.queue_id = {};
    std::ranges::copy(queue_id, entry.queue_id.begin());
    entry.next = std::exchange(bucket_of(queue_id), place);
    entry.in_heap = static_cast<Place>(heap_.size());
    heap_.push_back(place);
    return place;
}

void RetrySchedule::put(std::string_view queue_id, Seconds due)
{
    Place place = find(queue_id);
    if (place == nowhere)
        place = new_entry(queue_id);
    entries_[place].due = due;
    sift_up(entries_[place].in_heap);
    sift_down(entries_[place].in_heap);
}

std::optional<Seconds> RetrySchedule::remove(std::string_view queue_id)
{
    const Place place = find(queue_id);
    if (place == nowhere)
        return std::nullopt;
    const Seconds due = planned(entries_[place].due);
    remove_at(place);
    return due;
}

void RetrySchedule::remove_at(Place place)
{
    Entry& entry = entries_[place];
    Place* link = &bucket_of(entry.name());
    while (*link != place)
        link = &entries_[*link].next;
    *link = entry.next;
    const Place position = entry.in_heap;
    const Place last = heap_.back();
    heap_.pop_back();
    if (last != place) {
        set(position, last);
        sift_up(position);
        sift_down(entries_[last].in_heap);
    }
    entry.next = std::exchange(free_, place);
}

std::optional<RetrySchedule::Due> RetrySchedule::take_due(Seconds now)
{
    if (heap_.empty() || entries_[heap_.front()].due > now)
        return std::nullopt;
    const Entry& entry = entries_[heap_.front()];
    Due next{std::string(entry.name()), planned(entry.due), is_flushed(entry.due)};
    remove_at(heap_.front());
    return next;
}

void RetrySchedule::make_all_due()
{
    // The flushed stand before all others, so the heap need only be put in order if some were flushed before.
    const bool some_were = !heap_.empty() && is_flushed(entries_[heap_.front()].due);
    for (Place place : heap_)
        if (!is_flushed(entries_[place].due))
            entries_[place].due -= flushed_by;
    if (some_were)
        for (std::size_t position = heap_.size() / 2; position-- > 0;)
            sift_down(position);
}

void RetrySchedule::make_due(std::string_view queue_id)
{
    const Place place = find(queue_id);
    if (place == nowhere || is_flushed(entries_[place].due))
        return;
    entries_[place].due -= flushed_by;
    sift_up(entries_[place].in_heap);
}

void RetrySchedule::set(std::size_t position, Place place)
{
    heap_[position] = place;
    entries_[place].in_heap = static_cast<Place>(position);
}

void RetrySchedule::sift_up(std::size_t position)
{
    const Place moving = heap_[position];
    while (position > 0) {
        const std::size_t parent = (position - 1) / 2;
        if (entries_[heap_[parent]].due <= entries_[moving].due)
            break;
        set(position, heap_[parent]);
        position = parent;
    }
    set(position, moving);
}

void RetrySchedule::sift_down(std::size_t position)
{
    const Place moving = heap_[position];
    for (;;) {
        std::size_t child = 2 * position + 1;
        if (child >= heap_.size())
            break;
        if (child + 1 < heap_.size() && entries_[heap_[child + 1]].due < entries_[heap_[child]].due)
            ++child;
        if (entries_[moving].due <= entries_[heap_[child]].due)
            break;
        set(position, heap_[child]);
        position = child;
    }
    set(position, moving);
}

}  // namespace posthaste::qmgr
