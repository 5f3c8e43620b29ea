// lookups.h — the questions that mail asks: who takes mail for a domain, where is a host, what is an address called.
//
// Errors: NotFound when the name service is certain that there is nothing, Temporary (or Timeout) when it is not,
// Invalid for what is no name. Their texts are those of smtp(8) ("Name service error for name=... type=...: ...").
#pragma once

#include "dns/resolver.h"
#include "dns/wire.h"
#include "net/endpoint.h"

#include <random>
#include <string>
#include <vector>

namespace posthaste::dns {

struct MailExchanger {
    std::uint16_t preference = 0;
    std::string host;
    friend bool operator==(const MailExchanger&, const MailExchanger&) = default;
};

struct MailExchangers {
    std::vector<MailExchanger> hosts;  // most preferred first; equals in random order (RFC 5321 5.1)
    bool null_mx = false;              // RFC 7505: the domain takes no mail
    bool secure = false;
};
// NotFound: no MX record; the domain itself may still be a host.
Task<Result<MailExchangers>> mail_exchangers(Resolver& resolver, std::string domain, net::Deadline deadline);

// One host of a service, and its port (RFC 2782).
struct ServiceHost {
    std::uint16_t port = 0;
    std::string host;
    friend bool operator==(const ServiceHost&, const ServiceHost&) = default;
};
// The hosts of "_submission._tcp.example.com" in the order in which they are to be tried: by priority, and equals at
// random by their weights; none: the domain says that it does not have the service. NotFound: there is no SRV record.
Task<Result<std::vector<ServiceHost>>> service_hosts(Resolver& resolver, std::string service, net::Deadline deadline);
// That order; pure but for the randomness.
std::vector<SrvRecord> in_order_of_use(std::vector<SrvRecord> records, std::mt19937& randomness);

// postconf(5) inet_protocols.
struct Protocols {
    bool ipv4 = true;
    bool ipv6 = true;
};
Protocols parse_protocols(std::string_view inet_protocols);

struct HostAddresses {
    std::vector<net::Endpoint> addresses;  // with the port that was asked for; IPv6 first
    std::string canonical_name;
    bool secure = false;
};
// The A and AAAA records of a host, asked for at once. One family without answer does not hide the other's records.
Task<Result<HostAddresses>> addresses(Resolver& resolver, std::string host, std::uint16_t port, Protocols protocols,
                                      net::Deadline deadline);

// The data of an A or AAAA record. Invalid: it is none.
Result<net::Endpoint> address_of(Type type, const std::string& rdata, std::uint16_t port);

// The same through the system's own resolver (smtp_host_lookup = native: /etc/hosts, nsswitch.conf), in a thread.
Task<Result<HostAddresses>> native_addresses(std::string host, std::uint16_t port, Protocols protocols);

// The names of an address (PTR).
Task<Result<std::vector<std::string>>> names_of(Resolver& resolver, net::Endpoint address, net::Deadline deadline);
// "4.3.2.1.in-addr.arpa", "....ip6.arpa": also the base of DNS lists.
std::string reverse_name(const net::Endpoint& address, std::string_view zone = {});

}  // namespace posthaste::dns
