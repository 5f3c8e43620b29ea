// queue_files.h — one message of the queue from its file. No state: any number of threads at once.
#pragma once

#include "queue/envelope.h"
#include "queue/options.h"
#include "server/queued_message.h"

#include <optional>
#include <string>
#include <string_view>

namespace posthaste::showq {

// The recipients whose mark is Todo; `marks` without the message's own.
server::QueuedMessage listed(const queue::Envelope& envelope, const queue::ContentFacts& facts, std::string_view marks);

// Of recipients that the last attempts put off, from defer(8)'s log.
void add_reasons(const queue::QueueOptions& options, server::QueuedMessage& message);

// `path` is below the queue directory, in the directory `queue_name`. No value: the file is gone, incomplete or
// damaged, and the business of those who take it from there.
std::optional<server::QueuedMessage> read_queue_file(const queue::QueueOptions& options, const std::string& queue_name,
                                                     const std::string& path);

}  // namespace posthaste::showq
