// targets.h — from a nexthop to the addresses that are tried, in order. RFC 5321 5.1, RFC 7505.
//
// MX records by preference, equals in random order; a domain without MX records is its own exchanger; hosts that are
// this machine, and those less preferred, are left out, so that mail does not come back to where it left. When nothing
// is left the outcome says why: certain failure bounces, doubt defers.
#pragma once

#include "daemon/smtp/settings.h"
#include "dns/lookups.h"
#include "dsn/outcome.h"
#include "net/endpoint.h"
#include "net/task.h"
#include "routing/nexthop.h"
#include "routing/own_addresses.h"

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace posthaste::smtp_client {

using routing::Nexthop;

struct Target {
    std::string host;  // as the MX record or the nexthop says
    net::Endpoint address;
    unsigned preference = 0;
    bool is_exchanger = false;  // found through the mail domain: loops back are possible

    [[nodiscard]] std::string name() const;   // "host[192.0.2.1]", "host[private/socket]"
    [[nodiscard]] std::string relay() const;  // "host[192.0.2.1]:25", "host[private/socket]"
};

using Targets = std::expected<std::vector<Target>, dsn::Outcome>;

// Life time: the process; outlives the searches. Loop's thread only.
class TargetFinder {
public:
    TargetFinder(const Settings& settings, dns::Resolver& resolver, const routing::OwnAddresses& own_addresses)
        : settings_(&settings), resolver_(&resolver), own_addresses_(&own_addresses)
    {
    }

    Task<Targets> find(Nexthop nexthop);

private:
    Task<Targets> find_domain(Nexthop nexthop);
    Task<Targets> find_host(Nexthop nexthop);
    // A host that takes mail for the nexthop. Those with the same preference are tried in random order.
    struct Exchanger {
        std::string host;
        std::uint16_t port = 0;
        unsigned preference = 0;
    };
    Task<std::optional<Targets>> find_service(const Nexthop* nexthop);
    Task<Targets> find_exchangers(Nexthop nexthop, std::vector<Exchanger> exchangers);
    Task<Result<dns::HostAddresses>> look_up(std::string host, std::uint16_t port);
    Task<void> look_up_into(std::string host, std::uint16_t port, Result<dns::HostAddresses>* found);
    [[nodiscard]] bool is_own(const Target& target) const;

    const Settings* settings_;
    dns::Resolver* resolver_;
    const routing::OwnAddresses* own_addresses_;
};

// Why mail does not go anywhere: the best exchanger of its domain is this machine (postconf(5) best_mx_transport).
[[nodiscard]] bool loops_back(const dsn::Outcome& why);

// Which addresses are tried, and in which order: postconf(5) smtp_address_preference, smtp_randomize_addresses,
// smtp_mx_address_limit, smtp_balance_inet_protocols. Preference classes keep their order.
std::vector<Target> order_targets(std::vector<Target> targets, const Settings& settings);

// postconf(5) smtp_host_lookup = dns, native: what counts when DNS has no address and the system's own resolver was
// asked, too. An address does, whoever knows it; without one, what DNS could not tell stays in doubt: a host that
// /etc/hosts does not list may still exist.
Result<dns::HostAddresses> native_after_dns(const Error& by_dns, Result<dns::HostAddresses> by_native);

}  // namespace posthaste::smtp_client
