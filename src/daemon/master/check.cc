// check.cc — see check.h.
#include "daemon/master/check.h"

#include "daemon/master/sockets.h"
#include "log/log.h"
#include "server/command_config.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <vector>

namespace posthaste::master {

namespace {

using nlohmann::json;

std::string remedy(int error_number, const net::Endpoint& address)
{
    switch (error_number) {
    case EADDRINUSE:
        return fmt::format("stop the program that has it: ss -ltnp 'sport = :{}'; "
                           "or is the port in another line of master.cf, too?",
                           address.port());
    case EACCES: return "ports below 1024 need root";
    case EADDRNOTAVAIL: return "correct inet_interfaces or the line in master.cf: this machine has no such address";
    default: return "";
    }
}

Result<json> look(std::string_view state)
{
    TRY(auto config, server::load_command_config("master", ""));
    TRY(auto specs, load_specs(*config));
    json problems = json::array();
    if (state == "running")
        return json{{"problems", std::move(problems)}};
    const auto patience = state == "starting" ? start_patience : std::chrono::milliseconds(0);
    const auto give_up = std::chrono::steady_clock::now() + patience;
    std::vector<UniqueFd> open;  // together, as master has them: two lines may want the same port
    for (const ServiceSpec& spec : specs) {
        if (spec.type != config::ServiceType::Inet)
            continue;
        for (const net::Endpoint& address : spec.addresses) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(give_up - std::chrono::steady_clock::now());
            auto socket = open_socket(spec, address, left);
            const int error_number = errno;
            if (socket)
                open.push_back(std::move(*socket));
            else
                problems.push_back({{"service", spec.name},
                                    {"text", socket.error().text()},
                                    {"remedy", remedy(error_number, address)}});
        }
    }
    return json{{"problems", std::move(problems)}};
}

}  // namespace

int check(std::string_view state)
{
    log::init({.program = "master", .to_stderr = false, .to_log = false});
    Result<json> said = look(state);
    if (!said)
        said = json{{"error", said.error().text()}};
    const std::string text = said->dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    return written ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace posthaste::master
