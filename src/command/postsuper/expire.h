// expire.h — the mark of forced expiry on a queue file: its mode, as in Postfix's queue (queue/queue_file.h).
//
// It outlives the queue manager, and a message that is on hold keeps it until it is released.
#pragma once

#include "base/result.h"
#include "queue/message_ref.h"
#include "queue/options.h"

#include <string>

namespace posthaste::command::postsuper {

// Durable when it returns. NotFound: this queue has no complete file of that name.
Result<void> expire_file(const queue::QueueOptions& options, queue::QueueName queue, const std::string& queue_id);

}  // namespace posthaste::command::postsuper
