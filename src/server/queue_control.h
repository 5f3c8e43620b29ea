// queue_control.h — how commands reach the running queue manager (qmgr/control_protocol.h).
#pragma once

#include "daemon/qmgr/control_protocol.h"
#include "net/loop.h"
#include "net/task.h"

#include <chrono>
#include <string>
#include <vector>

namespace posthaste::server {

// It answers between two deliveries, and moves messages into files before it answers.
inline constexpr std::chrono::seconds queue_manager_patience{60};

// socket: its path below the queue directory, which is the working directory. Errors: nobody listens there, or
// somebody else.
Task<Result<ipc::Connection>> connect_to_queue_manager(std::string socket);

// What is active or waits in place: nothing of deferred and held mail.
Task<Result<std::vector<qmgr::ListEntry>>> list_of_queue_manager(std::string socket);

}  // namespace posthaste::server
