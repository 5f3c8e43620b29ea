// nexthop.h — where mail goes, as routing names it: a domain whose mail exchangers take it, a host, or a local socket.
//
// smtp(8), transport(5), relayhost: domain, domain:port, [host], [host]:port, and lists of them with commas or blanks.
// lmtp(8): unix:path, inet:host, inet:host:port, host, host:port; no MX lookup for LMTP.
// Pure functions; the text comes from tables that people write, so that errors are explained: the SMTP client puts
// them into the reason why mail waits, postfix check tells them before any mail does.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::routing {

struct Nexthop {
    enum class Kind : std::uint8_t {
        Domain,  // look up MX records
        Host,    // look up addresses, or it is one
        Socket,  // a UNIX-domain socket
    };
    Kind kind = Kind::Domain;
    std::string name;  // domain, host, address without brackets, or path
    std::uint16_t port = 0;
    std::string service;  // the name of the port, behind a host without brackets (use_srv_lookup)

    friend bool operator==(const Nexthop&, const Nexthop&) = default;
};

// Names of ports: postconf(5) known_tcp_ports, then getservbyname(3).
class PortNames {
public:
    // "lmtp=24, smtp=25, smtps=submissions=465, submission=587". Bad entries are ignored with a warning.
    explicit PortNames(std::string_view known_tcp_ports);
    [[nodiscard]] Result<std::uint16_t> find(std::string_view name_or_number) const;

private:
    std::map<std::string, std::uint16_t, std::less<>> known_;
};

enum class Lookup : std::uint8_t { MailExchangers, HostsOnly };

// The entries of a list, each with what is wrong with it. Invalid: a bad port, a bracket that is not closed, neither a
// host name nor an address; the text names the entry. A name that is not ASCII passes: whether the DNS has such names
// is known after its conversion.
std::vector<Result<Nexthop>> parse_nexthops(std::string_view text, Lookup lookup, std::uint16_t default_port,
                                            const PortNames& ports);

// Why the SMTP client would not understand the whole of a list, in the words of the first error; empty if it would.
// Names are not looked up.
std::string nexthop_problem(std::string_view text, const PortNames& ports);

}  // namespace posthaste::routing
