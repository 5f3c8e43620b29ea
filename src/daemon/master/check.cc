// check.cc — see check.h.
#include "daemon/master/check.h"

#include "daemon/master/service_spec.h"
#include "log/log.h"
#include "server/command_config.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace posthaste::master {

namespace {

using nlohmann::json;

std::string remedy(int error_number, const net::Endpoint& address)
{
    switch (error_number) {
    case EADDRINUSE:
        return fmt::format("find out which program that is, and stop it: ss -ltnp 'sport = :{}'", address.port());
    case EACCES: return "ports below 1024 need root";
    case EADDRNOTAVAIL: return "correct inet_interfaces or the line in master.cf: this machine has no such address";
    default: return "";
    }
}

Result<json> look()
{
    TRY(auto config, server::load_command_config("master", ""));
    TRY(auto specs, load_specs(*config));
    json problems = json::array();
    for (const ServiceSpec& spec : specs) {
        if (spec.type != config::ServiceType::Inet)
            continue;
        for (const net::Endpoint& address : spec.addresses) {
            auto socket = net::listen_on(address);
            const int error_number = errno;
            if (!socket)
                problems.push_back({{"service", spec.name},
                                    {"text", socket.error().text()},
                                    {"remedy", remedy(error_number, address)}});
        }
    }
    return json{{"problems", std::move(problems)}};
}

}  // namespace

int check()
{
    log::init({.program = "master", .to_stderr = false, .to_log = false});
    Result<json> said = look();
    if (!said)
        said = json{{"error", said.error().text()}};
    const std::string text = said->dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace posthaste::master
