// queue_options.h — the queue library's options from main.cf, for processes whose working directory is the queue
// directory (every daemon). Commands that work elsewhere set `directory` themselves.
#pragma once

#include "config/config.h"
#include "queue/options.h"

#include <string>

namespace posthaste::server {

queue::QueueOptions queue_options(const config::Config& config);
// The socket of the queue manager (postconf(5) queue_service_name), below the queue directory.
std::string queue_manager_socket(const config::Config& config);

}  // namespace posthaste::server
