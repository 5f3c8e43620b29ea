// events_master.cc — see events_master.h.
#include "log/events_master.h"

#include "log/log.h"

namespace posthaste::log {

void daemon_started(std::string_view version, std::string_view configuration)
{
    info("daemon started -- version {}, configuration {}", version, configuration);
}

void daemon_reloaded(std::string_view version, std::string_view configuration)
{
    info("reload -- version {}, configuration {}", version, configuration);
}

void terminating(int signal_number) { info("terminating on signal {}", signal_number); }

void process_failed(std::string_view path, pid_t pid, int status)
{
    warning("process {} pid {} exit status {}", path, pid, status);
}

void process_killed(std::string_view path, pid_t pid, int signal_number)
{
    warning("process {} pid {} killed by signal {}", path, pid, signal_number);
}

void throttling(std::string_view path) { warning("{}: bad command startup -- throttling", path); }

void limit_reached(std::string_view service, std::string_view port, unsigned limit)
{
    warning("service \"{}\" ({}) has reached its process limit \"{}\": new clients may experience noticeable delays",
            service, port, limit);
    warning("to avoid this condition, increase the process count in master.cf or reduce the service time per client");
    warning("see https://www.postfix.org/STRESS_README.html for examples of stress-adapting configuration settings");
}

}  // namespace posthaste::log
