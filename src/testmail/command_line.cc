// command_line.cc — see command_line.h.
#include "testmail/command_line.h"

#include "base/text.h"
#include "log/log.h"

#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <netdb.h>
#include <optional>
#include <sys/resource.h>

namespace posthaste::testmail {

namespace {

struct HostPort {
    std::string host;
    std::string port;
};

// "host", "host:port", ":port", "[v6]:port", "[v6]"; what has no colon is a client's host and a server's port.
HostPort split_host_port(std::string_view text, Role role)
{
    HostPort result;
    if (text.starts_with('[')) {
        std::size_t end = text.find(']');
        std::string_view rest = end == std::string_view::npos ? "x" : text.substr(end + 1);
        if (!rest.empty() && !rest.starts_with(':'))
            die(fmt::format("{}: [address]:port expected", text));
        result.host = text.substr(1, end - 1);
        result.port = rest.empty() ? rest : rest.substr(1);
    } else if (std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
        result.host = text.substr(0, colon);
        result.port = text.substr(colon + 1);
    } else {
        (role == Role::Client ? result.host : result.port) = text;
    }
    if (role == Role::Client && result.port.empty())
        result.port = "smtp";
    if (result.port.empty() || (role == Role::Client && result.host.empty()))
        die(fmt::format("{}: host and port expected", text));
    return result;
}

}  // namespace

void die(std::string_view text)
{
    log::write(log::Severity::Fatal, text);
    log::flush();
    std::exit(EXIT_FAILURE);
}

std::int64_t number(std::string_view text, std::string_view what, std::int64_t minimum, std::int64_t maximum)
{
    std::optional<std::int64_t> value = parse_number<std::int64_t>(text);
    if (!value || *value < minimum || *value > maximum)
        die(fmt::format("bad {}: {}", what, text));
    return *value;
}

std::vector<net::Endpoint> endpoints(std::string_view destination, Role role, int family)
{
    if (destination.starts_with("unix:")) {
        Result<net::Endpoint> endpoint = net::Endpoint::unix_path(destination.substr(5));
        if (!endpoint)
            die(endpoint.error().text());
        return {*endpoint};
    }
    if (destination.starts_with("inet:"))
        destination.remove_prefix(5);
    HostPort wanted = split_host_port(destination, role);
    addrinfo hints{};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = role == Role::Server ? AI_PASSIVE : 0;
    addrinfo* list = nullptr;
    int failed = ::getaddrinfo(wanted.host.empty() ? nullptr : wanted.host.c_str(), wanted.port.c_str(), &hints, &list);
    if (failed != 0)
        die(fmt::format("{}: {}", destination, ::gai_strerror(failed)));
    std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, ::freeaddrinfo);
    std::vector<net::Endpoint> result;
    for (const addrinfo* each = list; each; each = each->ai_next)
        result.emplace_back(each->ai_addr, each->ai_addrlen);
    return result;
}

void raise_descriptor_limit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

}  // namespace posthaste::testmail
