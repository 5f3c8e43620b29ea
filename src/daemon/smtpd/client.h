// Who is at the other end of a connection: address, and the name that address and name service agree on.
#pragma once

#include "dns/resolver.h"
#include "net/endpoint.h"
#include "net/task.h"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace posthaste::smtpd {

struct Client {
    std::string name = "unknown";          // verified: the name has this address
    std::string reverse_name = "unknown";  // what the address says, verified or not
    std::string address;                   // "192.0.2.1", "2001:db8::1"
    std::string port;
    std::string for_log;      // "name[address]", with ":port" if asked for
    std::string for_headers;  // "192.0.2.1", "IPv6:2001:db8::1": as in Received:
};

// Finds the names of clients: /etc/hosts first, then PTR, then A or AAAA of that name (RFC 1912 2.1). Answers are kept
// for a minute, because one client makes many connections. Made before the jail; loop's thread; outlives its lookups.
class NameFinder {
public:
    // resolver: may be null, then only /etc/hosts names anybody.
    explicit NameFinder(dns::Resolver* resolver);

    struct Names {
        std::string name = "unknown";
        std::string reverse_name = "unknown";
    };
    Task<Names> find(net::Endpoint peer);

private:
    struct Known {
        Names names;
        std::chrono::steady_clock::time_point until;
    };
    Task<Names> ask(net::Endpoint peer);
    void remember(const std::string& address, const Names& names);

    dns::Resolver* resolver_;
    std::map<std::string, std::string> hosts_;  // address to first name, of /etc/hosts
    std::unordered_map<std::string, Known> known_;
};

// The client before its name is known.
Client client_of(const net::Endpoint& peer);
// Fills for_log from name, address and port.
void describe(Client& client, bool with_port);

// The part of an address that identifies a client for counts and rates (smtpd_client_ipv4_prefix_length and _ipv6_):
// "192.0.2.1", or "192.0.2.0/24".
std::string client_network(std::string_view address, unsigned ipv4_prefix, unsigned ipv6_prefix);

}  // namespace posthaste::smtpd
