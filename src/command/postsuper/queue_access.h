// queue_access.h — the queue in the hands of whoever holds it: the running queue manager, or this process.
#pragma once

#include "base/result.h"
#include "daemon/qmgr/control_protocol.h"
#include "queue/message_ref.h"
#include "queue/options.h"

#include <map>
#include <memory>
#include <string>

namespace posthaste::command::postsuper {

// Queue id and queue of every message. Journal mail counts as incoming. Without maildrop.
using MessageList = std::map<std::string, queue::QueueName>;

// Lives as long as the command; the working directory is the queue directory.
class QueueAccess {
public:
    QueueAccess() = default;
    virtual ~QueueAccess() = default;
    QueueAccess(const QueueAccess&) = delete;
    QueueAccess& operator=(const QueueAccess&) = delete;

    // A message that moves from one queue to another meanwhile is in the list all the same.
    virtual Result<MessageList> messages() = 0;
    // One result for each queue id; an empty list of ids is no request. Unsupported: not without the queue manager.
    virtual Result<qmgr::ControlReply> change(qmgr::ControlRequest request) = 0;
    // postsuper -s: hash directories as hash_queue_names and hash_queue_depth say. Queue files that are elsewhere
    // are moved; while the queue manager runs, they are only reported.
    virtual Result<void> mend_structure() = 0;
};

// Connects to the queue manager; where none listens, takes the scheduler's lock. Exists: neither works, because
// somebody else has the lock.
Result<std::unique_ptr<QueueAccess>> open_queue(queue::QueueOptions options);

// The two kinds; open_queue() chooses. Closed: no queue manager listens.
Result<std::unique_ptr<QueueAccess>> open_running_queue(queue::QueueOptions options);
Result<std::unique_ptr<QueueAccess>> open_stopped_queue(queue::QueueOptions options);

}  // namespace posthaste::command::postsuper
