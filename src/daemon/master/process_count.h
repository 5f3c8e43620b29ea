// process_count.h — how many processes may share the clients of one network server.
#pragma once

#include "config/config.h"

namespace posthaste::master {

// postconf(5) service_processes; where it says none, one a core, and not more than eight.
unsigned processes_per_service(const config::Config& config);

}  // namespace posthaste::master
