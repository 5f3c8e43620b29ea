// queue_access.h — the queue in the hands of whoever holds it: the running queue manager, or this process.
#pragma once

#include "base/result.h"
#include "daemon/qmgr/control_protocol.h"
#include "queue/message_ref.h"
#include "queue/options.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

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
    // One result for each queue id; an empty list of ids is no request.
    virtual Result<qmgr::ControlReply> change(qmgr::ControlRequest request) = 0;
    // postsuper -s: hash directories as hash_queue_names and hash_queue_depth say. Queue files that are elsewhere
    // are moved; while the queue manager runs, they are only reported. No directories: all of them.
    virtual Result<void> mend_structure(const std::vector<std::string>& directories) = 0;
};

// manager_socket: the queue manager's (server::queue_manager_socket()).
// Connects to the queue manager; where none listens, takes the scheduler's lock. Exists: neither works, because
// somebody else has the lock.
Result<std::unique_ptr<QueueAccess>> open_queue(queue::QueueOptions options, std::string manager_socket);

// The two kinds; open_queue() chooses. Closed: no queue manager listens.
Result<std::unique_ptr<QueueAccess>> open_running_queue(queue::QueueOptions options, std::string manager_socket);
Result<std::unique_ptr<QueueAccess>> open_stopped_queue(queue::QueueOptions options);

}  // namespace posthaste::command::postsuper
