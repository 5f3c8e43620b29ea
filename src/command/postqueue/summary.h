// summary.h — postqueue --summary: what waits, grouped by destination, transport and reason.
//
// A destination is the domain of a recipient. A recipient's own address in its reason counts as "recipient", so that a
// thousand users of one domain who are put off for the same cause make one line. Memory grows with the number of
// groups, not with the queue.
#pragma once

#include "server/queue_listing.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace posthaste::command::postqueue {

struct SummaryKey {
    std::string queue_name;
    std::string destination;
    std::string transport;  // empty: not known
    std::string reason;     // of the last attempt; where there was none, what the message waits for

    friend auto operator<=>(const SummaryKey&, const SummaryKey&) = default;
};

struct SummaryGroup {
    std::uint64_t recipients = 0;
    std::uint64_t messages = 0;
    std::int64_t oldest_arrival = 0;
    std::int64_t next_retry = 0;  // the earliest; 0: none is set
    std::string last_message;     // so that a message with many recipients counts once
};

class Summary {
public:
    void add(const server::QueuedMessage& message, const server::QueuedRecipient& recipient);
    // Most recipients first.
    [[nodiscard]] std::vector<std::pair<SummaryKey, SummaryGroup>> sorted() const;

    // A table for people; now: seconds since the epoch.
    [[nodiscard]] std::string text(std::int64_t now) const;
    // One JSON object a group, each on a line.
    [[nodiscard]] std::string json() const;

private:
    std::map<SummaryKey, SummaryGroup> groups_;
};

// "45s", "12m", "3h", "2d": the largest unit of which there is at least one.
std::string short_time(std::int64_t seconds);

}  // namespace posthaste::command::postqueue
