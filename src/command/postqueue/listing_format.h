// listing_format.h — how mailq(1) and postqueue -j print the queue: Postfix's formats, byte for byte.
//
// Pure functions from one message of showq's stream to text.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::command::postqueue {

struct QueuedRecipient {
    std::string address;
    std::string reason;
};

struct QueuedMessage {
    std::string queue_name;
    std::string queue_id;
    std::int64_t arrival_time = 0;  // seconds since the epoch
    std::uint64_t size = 0;
    bool forced_expire = false;
    std::string sender;
    std::vector<QueuedRecipient> recipients;
};

// One message of the stream (showq, service.h): an attribute list without its end.
Result<QueuedMessage> parse_message(std::string_view list);

enum class IdForm : unsigned char { Short, Long };  // enable_long_queue_ids

std::string mailq_header(IdForm form);
std::string mailq_entry(const QueuedMessage& message, IdForm form);
std::string mailq_trailer(std::uint64_t total_size, std::uint64_t count);
std::string json_line(const QueuedMessage& message);

}  // namespace posthaste::command::postqueue
