// -D: a debugger or tracer beside this process (postconf(5) debugger_command).
#pragma once

#include "config/config.h"

namespace posthaste::server {

// Runs the command, and waits until it ends; nothing without one. To be called while the process has one thread; no
// open file but the standard ones reaches the command.
void run_debugger(const config::Config& config);

}  // namespace posthaste::server
