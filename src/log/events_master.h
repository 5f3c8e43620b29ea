// The lines of master that other programs parse. postfix/master[pid]: ...
#pragma once

#include <string_view>
#include <sys/types.h>

namespace posthaste::log {

// daemon started -- version V, configuration D
void daemon_started(std::string_view version, std::string_view configuration);
// reload -- version V, configuration D
void daemon_reloaded(std::string_view version, std::string_view configuration);
// terminating on signal N
void terminating(int signal_number);
// warning: process P pid N exit status N; warning: process P pid N killed by signal N
void process_failed(std::string_view path, pid_t pid, int status);
void process_killed(std::string_view path, pid_t pid, int signal_number);
// warning: P: bad command startup -- throttling
void throttling(std::string_view path);
// warning: service "smtp" (25) has reached its process limit "100": ... and what to do about it
void limit_reached(std::string_view service, std::string_view port, unsigned limit);

}  // namespace posthaste::log
