// process_count.cc — see process_count.h.
#include "daemon/master/process_count.h"

#include "param/process.h"

#include <algorithm>
#include <thread>

namespace posthaste::master {

unsigned processes_per_service(const config::Config& config)
{
    constexpr unsigned most = 8;
    if (int wanted = config.get(param::service_processes); wanted > 0)
        return static_cast<unsigned>(wanted);
    return std::clamp(std::thread::hardware_concurrency(), 1U, most);
}

}  // namespace posthaste::master
