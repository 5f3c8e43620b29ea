// debugger.cc — see debugger.h.
#include "server/debugger.h"

#include "log/log.h"
#include "param/process.h"

#include <cstdlib>
#include <linux/close_range.h>
#include <unistd.h>

namespace posthaste::server {

void run_debugger(const config::Config& config)
{
    const std::string& command = config.get(param::debugger_command);
    if (command.empty()) {
        log::warning("-D has no effect: debugger_command is empty");
        return;
    }
    // Sockets of the service must not live on in a tracer. What a later execve needs is marked by whoever makes it.
    ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    log::info("running: {}", command);
    log::flush();
    const int status = std::system(command.c_str());  // NOLINT(cert-env33-c,concurrency-mt-unsafe): that is its purpose
    if (status != 0)
        log::warning("debugger_command \"{}\" ended with status {}", command, status);
}

}  // namespace posthaste::server
