// patient_fork.cc — see patient_fork.h.
#include "server/patient_fork.h"

#include "log/log.h"
#include "param/process.h"

#include <cerrno>
#include <chrono>
#include <thread>
#include <unistd.h>

namespace posthaste::server {

Result<pid_t> fork_patiently(const config::Config& config)
{
    const int attempts = config.get(param::fork_attempts);
    for (int attempt = 1;; ++attempt) {
        const pid_t child = ::fork();
        if (child >= 0)
            return child;
        const int error = errno;
        if (attempt >= attempts)
            return fail(Error::system(error, "fork"));
        log::warning("{}", Error::system(error, "fork").text());
        std::this_thread::sleep_for(config.get(param::fork_delay));
    }
}

}  // namespace posthaste::server
