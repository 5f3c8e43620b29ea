// A fork that waits until the system has room for another process (postconf(5) fork_attempts, fork_delay). For
// commands; daemons do not wait: what they cannot start now is started later, and mail stays in the queue.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <sys/types.h>

namespace posthaste::server {

// As fork(2). What was in the way is logged each time.
Result<pid_t> fork_patiently(const config::Config& config);

}  // namespace posthaste::server
