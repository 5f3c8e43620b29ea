// summary.cc — see summary.h.
#include "command/postqueue/summary.h"

#include "address/local_part.h"
#include "base/text.h"
#include "command/postqueue/listing_format.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace posthaste::command::postqueue {

namespace {

std::string reason_without_address(const server::QueuedRecipient& recipient)
{
    std::string reason = recipient.reason;
    const std::string wanted = to_lower(recipient.address);
    if (wanted.empty())
        return reason;
    constexpr std::string_view general = "recipient";
    for (std::size_t at = 0; (at = to_lower(reason).find(wanted, at)) != std::string::npos; at += general.size())
        reason.replace(at, wanted.size(), general);
    return reason;
}

std::string reason_of(const server::QueuedMessage& message, const server::QueuedRecipient& recipient)
{
    if (message.queue_name == "active")
        return "being delivered";
    if (message.queue_name == "maildrop")
        return "to be picked up";
    if (!recipient.reason.empty())
        return reason_without_address(recipient);
    if (message.queue_name == "hold")
        return "on hold";
    return message.queue_name == "deferred" ? "no reason is known" : "to be delivered";
}

std::string destination_of(const std::string& address)
{
    const std::string_view domain = address::split_at_domain(address).domain;
    return domain.empty() ? "-" : to_lower(domain);
}

std::string next_try(std::int64_t next_retry, std::int64_t now)
{
    if (next_retry == 0)
        return "-";
    return next_retry <= now ? "now" : short_time(next_retry - now);
}

}  // namespace

std::string short_time(std::int64_t seconds)
{
    struct Unit {
        std::int64_t seconds;
        char letter;
    };
    static constexpr std::array units{Unit{86400, 'd'}, Unit{3600, 'h'}, Unit{60, 'm'}};
    for (const Unit& unit : units)
        if (seconds >= unit.seconds)
            return fmt::format("{}{}", seconds / unit.seconds, unit.letter);
    return fmt::format("{}s", std::max<std::int64_t>(seconds, 0));
}

void Summary::add(const server::QueuedMessage& message, const server::QueuedRecipient& recipient)
{
    SummaryGroup& group = groups_[{.queue_name = message.queue_name,
                                   .destination = destination_of(recipient.address),
                                   .transport = recipient.transport,
                                   .reason = reason_of(message, recipient)}];
    if (++group.recipients == 1 || message.arrival_time < group.oldest_arrival)
        group.oldest_arrival = message.arrival_time;
    if (group.last_message != message.queue_id) {
        ++group.messages;
        group.last_message = message.queue_id;
    }
    if (message.next_retry != 0 && (group.next_retry == 0 || message.next_retry < group.next_retry))
        group.next_retry = message.next_retry;
}

std::vector<std::pair<SummaryKey, SummaryGroup>> Summary::sorted() const
{
    std::vector<std::pair<SummaryKey, SummaryGroup>> list(groups_.begin(), groups_.end());
    std::ranges::sort(list, [](const auto& a, const auto& b) {
        return a.second.recipients != b.second.recipients ? a.second.recipients > b.second.recipients
                                                          : a.first < b.first;
    });
    return list;
}

std::string Summary::text(std::int64_t now) const
{
    const auto list = sorted();
    std::size_t destination_width = std::string_view("Destination").size();
    std::size_t transport_width = std::string_view("Transport").size();
    for (const auto& [key, group] : list) {
        destination_width = std::max(destination_width, key.destination.size());
        transport_width = std::max(transport_width, key.transport.size());
    }
    std::string out =
        fmt::format("{:>10} {:>8} {:>6} {:>8}  {:<8}  {:<{}}  {:<{}}  {}\n", "Recipients", "Messages", "Oldest",
                    "Next try", "Queue", "Destination", destination_width, "Transport", transport_width, "Reason");
    for (const auto& [key, group] : list)
        out +=
            fmt::format("{:>10} {:>8} {:>6} {:>8}  {:<8}  {:<{}}  {:<{}}  {}\n", group.recipients, group.messages,
                        short_time(now - group.oldest_arrival), next_try(group.next_retry, now), key.queue_name,
                        printable(key.destination), destination_width,
                        key.transport.empty() ? "-" : printable(key.transport), transport_width, printable(key.reason));
    return out;
}

std::string Summary::json() const
{
    std::string out;
    for (const auto& [key, group] : sorted()) {
        out += fmt::format(R"({{"queue_name": {}, "destination": {}, )", json_string(key.queue_name),
                           json_string(key.destination));
        if (!key.transport.empty())
            out += fmt::format(R"("transport": {}, )", json_string(key.transport));
        out += fmt::format(R"("reason": {}, "recipients": {}, "messages": {}, "oldest_arrival_time": {})",
                           json_string(key.reason), group.recipients, group.messages, group.oldest_arrival);
        if (group.next_retry != 0)
            out += fmt::format(R"(, "next_retry_time": {})", group.next_retry);
        out += "}\n";
    }
    return out;
}

}  // namespace posthaste::command::postqueue
