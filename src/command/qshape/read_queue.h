// read_queue.h — the envelopes of all messages in a queue, wherever they are.
//
// maildrop, deferred, hold and directories with an absolute path are files that are read here, our own format and
// Postfix's; of each only the envelope. incoming and active are asked of the queue manager, or of showq while the mail
// system is down, because new mail lies in the journal.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace posthaste::command::qshape {

struct QueuedEnvelope {
    std::int64_t arrival_time = 0;  // seconds since the epoch
    std::string sender;
    std::vector<std::string> recipients;  // those that are not done
};
using EnvelopeSink = std::function<void(const QueuedEnvelope&)>;

struct QueuesRead {
    std::size_t read = 0;
    std::size_t failed = 0;  // each was told
};

// A queue that cannot be read is told and left out; files that vanish or are damaged are left out. Makes
// queue_directory the working directory. Errors: it cannot be entered.
Result<QueuesRead> read_queues(const config::Config& config, const std::vector<std::string>& queues,
                               const EnvelopeSink& sink);

}  // namespace posthaste::command::qshape
