// nexthop.cc — see nexthop.h.
#include "daemon/smtp/nexthop.h"

#include "base/text.h"
#include "log/log.h"

#include <arpa/inet.h>
#include <netdb.h>

namespace posthaste::smtp_client {

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

// host[:port], [host][:port]. An unbracketed IPv6 address has several colons and no port.
Result<Nexthop> parse_host(std::string_view text, Nexthop::Kind kind, std::uint16_t default_port,
                           const PortNames& ports)
{
    Nexthop nexthop{.kind = kind, .name = {}, .port = default_port, .service = {}};
    std::string_view port;
    if (text.starts_with('[')) {
        std::size_t end = text.find(']');
        if (end == std::string_view::npos)
            return fail(ErrorKind::Invalid, "missing ']' in host or domain: " + printable(text));
        nexthop.kind = Nexthop::Kind::Host;
        nexthop.name = text.substr(1, end - 1);
        port = text.substr(end + 1);
        if (!port.empty() && !port.starts_with(':'))
            return fail(ErrorKind::Invalid, "text after ']' in host or domain: " + printable(text));
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
        return fail(ErrorKind::Invalid, "no host or domain in: " + printable(text));
    if (!port.empty()) {
        TRY(nexthop.port, ports.find(port.substr(1)));
        if (!text.starts_with('[') && !parse_number<std::uint16_t>(port.substr(1)))
            nexthop.service = port.substr(1);
    }
    return nexthop;
}

}  // namespace

Result<std::vector<Nexthop>> parse_nexthops(std::string_view text, Lookup lookup, std::uint16_t default_port,
                                            const PortNames& ports)
{
    std::vector<Nexthop> nexthops;
    for (std::string_view entry : split(text, ", \t\r\n")) {
        if (entry.starts_with("unix:")) {
            nexthops.push_back(
                {.kind = Nexthop::Kind::Socket, .name = std::string(entry.substr(5)), .port = 0, .service = {}});
            if (nexthops.back().name.empty())
                return fail(ErrorKind::Invalid, "no path in: " + printable(entry));
            continue;
        }
        auto kind = lookup == Lookup::HostsOnly ? Nexthop::Kind::Host : Nexthop::Kind::Domain;
        if (entry.starts_with("inet:")) {
            entry.remove_prefix(5);
            kind = Nexthop::Kind::Host;
        }
        TRY(Nexthop nexthop, parse_host(entry, kind, default_port, ports));
        nexthops.push_back(std::move(nexthop));
    }
    if (nexthops.empty())
        return fail(ErrorKind::Invalid, "empty nexthop");
    return nexthops;
}

}  // namespace posthaste::smtp_client
