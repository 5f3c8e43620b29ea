// What master.cf and main.cf together say about each service, ready to be acted upon: addresses, limits, command.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "config/master_cf.h"
#include "net/endpoint.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace posthaste::master {

struct ServiceSpec {
    std::string name;
    config::ServiceType type = config::ServiceType::Unix;
    std::vector<net::Endpoint> addresses;  // what to listen on; none for fifo
    std::string socket_path;               // unix, unix-dgram, pass, fifo: below the queue directory
    std::string port;                      // of an inet service, for messages
    bool unprivileged = false;
    bool chroot = false;
    std::chrono::seconds wakeup{0};  // 0: never
    bool wakeup_after_first_use = false;
    std::uint32_t limit = 0;  // maxproc: of clients or of processes, as the daemon says; 0: none
    std::string command;      // absolute path
    std::vector<std::string> arguments;

    [[nodiscard]] std::string program() const { return command.substr(command.rfind('/') + 1); }
    // Two lines with the same key are the same service before and after a reload.
    [[nodiscard]] std::string key() const { return name + "/" + std::string(config::name(type)); }
    friend bool operator==(const ServiceSpec&, const ServiceSpec&) = default;
};

// The services that are to run, in the order of master.cf. Invalid, with file and line: an address or a port that
// cannot be understood.
Result<std::vector<ServiceSpec>> make_specs(const config::MasterCf& master_cf, const config::Config& config);

// Reads and checks both: what `postfix check` and a reload need.
Result<std::vector<ServiceSpec>> load_specs(const config::Config& config);

}  // namespace posthaste::master
