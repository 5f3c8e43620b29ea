// parked_messages.h — messages that wait in the place where they lie, in the journal or in active/: an agent of an
// earlier queue manager still holds them, or they cannot be moved or read for a while.
#pragma once

#include "daemon/qmgr/active_message.h"
#include "daemon/qmgr/retry_schedule.h"

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

namespace posthaste::qmgr {

// By time and by queue id, each id once. Loop's thread only.
class ParkedMessages {
public:
    struct Parked {
        Seconds due = 0;
        queue::MessageRef ref;
        Notes notes;
    };

    // Takes the place of an earlier entry of the same queue id.
    void put(Parked parked)
    {
        take(parked.ref.queue_id);
        std::string queue_id = parked.ref.queue_id;
        const Seconds due = parked.due;
        by_id_.emplace(std::move(queue_id), by_time_.emplace(due, std::move(parked)));
    }

    // The one that is due longest, taken out; nothing if none is due.
    std::optional<Parked> take_due(Seconds now)
    {
        if (by_time_.empty() || by_time_.begin()->first > now)
            return std::nullopt;
        return take(by_time_.begin()->second.ref.queue_id);
    }

    std::optional<Parked> take(const std::string& queue_id)
    {
        auto found = by_id_.find(queue_id);
        if (found == by_id_.end())
            return std::nullopt;
        const ByTime::iterator place = found->second;
        by_id_.erase(found);  // queue_id may be the one below, so this goes first
        Parked parked = std::move(place->second);
        by_time_.erase(place);
        return parked;
    }

    // `postqueue -f`: everything that is here now is due. The order stays.
    void make_all_due()
    {
        ByTime due;
        for (auto& [time, parked] : by_time_) {
            parked.due = 0;
            parked.notes.flushed = true;
            ByTime::iterator& place = by_id_.at(parked.ref.queue_id);
            place = due.emplace_hint(due.end(), parked.due, std::move(parked));
        }
        by_time_ = std::move(due);
    }

    [[nodiscard]] bool contains(const std::string& queue_id) const { return by_id_.contains(queue_id); }

    // Pairs of time and message, the earliest first.
    [[nodiscard]] auto begin() const { return by_time_.begin(); }
    [[nodiscard]] auto end() const { return by_time_.end(); }

private:
    using ByTime = std::multimap<Seconds, Parked>;
    ByTime by_time_;
    std::unordered_map<std::string, ByTime::iterator> by_id_;
};

}  // namespace posthaste::qmgr
