// listing_format.cc — see listing_format.h.
#include "command/postqueue/listing_format.h"

#include "base/text.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace posthaste::command::postqueue {

namespace {

// Widths of the columns queue id, size and arrival time.
struct Columns {
    int id;
    int size;
    int time;
    [[nodiscard]] int address() const { return id + size + time + 3; }
};

Columns columns(IdForm form) { return form == IdForm::Short ? Columns{11, 7, 20} : Columns{17, 8, 19}; }

constexpr std::size_t reason_width = 76;

// mailq(1): * being delivered, ! on hold, # to be returned.
std::string flagged_id(const QueuedMessage& message)
{
    std::string id = message.queue_id;
    if (message.queue_name == "active")
        id += '*';
    else if (message.queue_name == "hold")
        id += '!';
    if (message.forced_expire)
        id += '#';
    return id;
}

std::string arrival_text(std::int64_t seconds)
{
    auto when = static_cast<time_t>(seconds);
    tm local{};
    ::localtime_r(&when, &local);
    char text[32];
    std::size_t length = std::strftime(text, sizeof text, "%a %b %d %H:%M:%S", &local);
    return {text, length};
}

}  // namespace

std::string json_string(const std::string& text)
{
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string mailq_header(IdForm form)
{
    return form == IdForm::Short ? "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n"
                                 : "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n";
}

std::string mailq_entry(const QueuedMessage& message, IdForm form)
{
    Columns width = columns(form);
    std::string out = fmt::format("{:<{}} {:>{}} {:<{}} {}\n", flagged_id(message), width.id, message.size, width.size,
                                  arrival_text(message.arrival_time), width.time, printable(message.sender));
    std::string_view shown;
    for (const QueuedRecipient& recipient : message.recipients) {
        if (!recipient.reason.empty() && recipient.reason != shown) {
            std::size_t indent = reason_width - std::min(reason_width, recipient.reason.size());
            out += fmt::format("{}({})\n", std::string(indent, ' '), printable(recipient.reason));
        }
        shown = recipient.reason;
        out += fmt::format("{}{}\n", std::string(static_cast<std::size_t>(width.address()), ' '),
                           printable(recipient.address));
    }
    return out;
}

std::string mailq_trailer(std::uint64_t total_size, std::uint64_t count)
{
    return fmt::format("-- {} Kbytes in {} Request{}.\n", total_size / 1024, count, count == 1 ? "" : "s");
}

std::string json_line(const QueuedMessage& message)
{
    std::string out = fmt::format(
        R"({{"queue_name": {}, "queue_id": {}, "arrival_time": {}, "message_size": {}, "forced_expire": {}, "sender": {}, "recipients": [)",
        json_string(message.queue_name), json_string(message.queue_id), message.arrival_time, message.size,
        message.forced_expire, json_string(message.sender));
    std::string_view separator;
    for (const QueuedRecipient& recipient : message.recipients) {
        out += fmt::format(R"({}{{"address": {})", separator, json_string(recipient.address));
        if (!recipient.reason.empty())
            out += fmt::format(R"(, "delay_reason": {})", json_string(recipient.reason));
        out += '}';
        separator = ", ";
    }
    out += ']';
    if (message.next_retry != 0)
        out += fmt::format(R"(, "next_retry_time": {})", message.next_retry);
    return out + "}\n";
}

}  // namespace posthaste::command::postqueue
