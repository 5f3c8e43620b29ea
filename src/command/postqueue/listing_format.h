// listing_format.h — how mailq(1) and postqueue -j print the queue: Postfix's formats, byte for byte. JSON has one
// member more, next_retry_time, after those of Postfix.
//
// Pure functions from one message of showq's stream to text.
#pragma once

#include "server/queue_listing.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::command::postqueue {

using server::QueuedMessage;
using server::QueuedRecipient;

enum class IdForm : unsigned char { Short, Long };  // enable_long_queue_ids

std::string mailq_header(IdForm form);
std::string mailq_entry(const QueuedMessage& message, IdForm form);
std::string mailq_trailer(std::uint64_t total_size, std::uint64_t count);
std::string json_line(const QueuedMessage& message);
// A JSON string with its quotes; bytes that are not UTF-8 are replaced.
std::string json_string(const std::string& text);

}  // namespace posthaste::command::postqueue
