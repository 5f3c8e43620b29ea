// nexthop.cc — see nexthop.h.
#include "routing/nexthop.h"

#include "address/fold.h"
#include "address/hostname.h"
#include "base/text.h"
#include "log/log.h"
#include "net/endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>

namespace posthaste::routing {

PortNames::PortNames(std::string_view known_tcp_ports)
{
    for (std::string_view entry : split(known_tcp_ports, ", \t\r\n")) {
        std::vector<std::string_view> parts = split(entry, "=");
        auto port = parse_number<std::uint16_t>(parts.back());
        if (!port || parts.size() < 2) {
            log::warning("known_tcp_ports: expected name=number instead of {}", entry);
            continue;
        }
        parts.pop_back();
        for (std::string_view name : parts)
            known_.emplace(name, *port);
    }
}

Result<std::uint16_t> PortNames::find(std::string_view name_or_number) const
{
    if (auto number = parse_number<std::uint16_t>(name_or_number); number && *number > 0)
        return *number;
    if (auto known = known_.find(name_or_number); known != known_.end())
        return known->second;
    if (!name_or_number.empty() && is_ascii_alpha(name_or_number.front()))
        if (const servent* service = ::getservbyname(std::string(name_or_number).c_str(), "tcp"))
            return ntohs(static_cast<std::uint16_t>(service->s_port));
    return fail(ErrorKind::Invalid, "unknown service: " + printable(name_or_number));
}

namespace {

std::unexpected<Error> bad(std::string_view entry, std::string_view why)
{
    return fail(ErrorKind::Invalid, fmt::format("\"{}\" {}", printable(entry), why));
}

bool may_be_host(const std::string& name)
{
    return !address::is_ascii(name) || address::is_valid_hostname(name) || net::Endpoint::ip(name, 0);
}

// host[:port], [host][:port]. An unbracketed IPv6 address has several colons and no port.
Result<Nexthop> parse_host(std::string_view text, Nexthop::Kind kind, std::uint16_t default_port,
                           const PortNames& ports)
{
    Nexthop nexthop{.kind = kind, .name = {}, .port = default_port, .service = {}};
    std::string_view port;
    const bool has_brackets = text.starts_with('[');
    if (has_brackets) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos)
            return bad(text, "has no closing bracket");
        nexthop.kind = Nexthop::Kind::Host;
        nexthop.name = text.substr(1, end - 1);
        port = text.substr(end + 1);
        if (!port.empty() && !port.starts_with(':'))
            return bad(text, "has something else than a port behind its bracket");
    } else {
        std::size_t colon = text.find(':');
        if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos)
            colon = std::string_view::npos;
        nexthop.name = text.substr(0, colon);
        port = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
    }
    if (starts_with_ignoring_case(nexthop.name, "ipv6:"))
        nexthop.name.erase(0, 5);
    if (nexthop.name.empty())
        return bad(text, has_brackets ? "has no host between its brackets" : "has no host");
    if (!may_be_host(nexthop.name))
        return bad(text, "has neither a host name nor an address");
    if (!port.empty()) {
        port.remove_prefix(1);
        auto number = ports.find(port);
        if (!number)
            return bad(text, "has no valid port behind its colon");
        nexthop.port = *number;
        if (!has_brackets && !parse_number<std::uint16_t>(port))
            nexthop.service = port;
    }
    return nexthop;
}

Result<Nexthop> parse_entry(std::string_view entry, Lookup lookup, std::uint16_t default_port, const PortNames& ports)
{
    if (entry.starts_with("unix:")) {
        Nexthop socket{.kind = Nexthop::Kind::Socket, .name = std::string(entry.substr(5)), .port = 0, .service = {}};
        if (socket.name.empty())
            return bad(entry, "has no path");
        return socket;
    }
    auto kind = lookup == Lookup::HostsOnly ? Nexthop::Kind::Host : Nexthop::Kind::Domain;
    if (entry.starts_with("inet:")) {
        entry.remove_prefix(5);
        kind = Nexthop::Kind::Host;
    }
    return parse_host(entry, kind, default_port, ports);
}

}  // namespace

std::vector<Result<Nexthop>> parse_nexthops(std::string_view text, Lookup lookup, std::uint16_t default_port,
                                            const PortNames& ports)
{
    std::vector<Result<Nexthop>> nexthops;
    for (std::string_view entry : split(text, ", \t\r\n"))
        nexthops.push_back(parse_entry(entry, lookup, default_port, ports));
    return nexthops;
}

std::string nexthop_problem(std::string_view text, const PortNames& ports)
{
    constexpr std::uint16_t any_port = 25;
    for (const auto& nexthop : parse_nexthops(text, Lookup::MailExchangers, any_port, ports))
        if (!nexthop)
            return nexthop.error().text();
    return {};
}

}  // namespace posthaste::routing
