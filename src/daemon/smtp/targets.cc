// targets.cc — see targets.h.
#include "daemon/smtp/targets.h"

#include "address/hostname.h"
#include "address/idna.h"
#include "base/text.h"
#include "net/tasks.h"

#include <algorithm>
#include <chrono>
#include <random>

namespace posthaste::smtp_client {

namespace {

constexpr std::chrono::seconds lookup_timeout{100};
constexpr std::size_t most_exchangers = 100;
constexpr std::uint16_t smtp_port = 25;
constexpr dsn::Code loop_code{5, 4, 6};  // RFC 3463: routing loop detected

std::unexpected<dsn::Outcome> bounced(dsn::Code code, std::string text)
{
    return std::unexpected(dsn::Outcome::bounced(code, std::move(text)));
}

std::unexpected<dsn::Outcome> deferred(dsn::Code code, std::string text)
{
    return std::unexpected(dsn::Outcome::deferred(code, std::move(text)));
}

bool is_certain(const Error& error)
{
    return error.kind() == ErrorKind::NotFound || error.kind() == ErrorKind::Invalid;
}

// RFC 3463: 5.4.4 unable to route, 4.4.3 directory server failure.
std::unexpected<dsn::Outcome> lookup_failed(const Error& error)
{
    std::string text =
        error.text().starts_with("Name service") ? "Host or domain name not found. " + error.text() : error.text();
    if (is_certain(error))
        return bounced({5, 4, 4}, std::move(text));
    return deferred({4, 4, 3}, std::move(text));
}

bool is_v6(const Target& target) { return target.address.family() == AF_INET6; }

std::mt19937& randomness()
{
    static std::mt19937 generator{std::random_device{}()};
    return generator;
}

// Makes room for the family that the limit would leave out: its first address takes the last place.
void balance(std::vector<Target>& targets, std::size_t limit)
{
    if (limit < 2 || targets.size() <= limit)
        return;
    auto end = targets.begin() + static_cast<std::ptrdiff_t>(limit);
    bool family = is_v6(targets.front());
    auto other = [family](const Target& target) { return is_v6(target) != family; };
    if (std::any_of(targets.begin(), end, other))
        return;
    if (auto first = std::find_if(end, targets.end(), other); first != targets.end())
        std::iter_swap(end - 1, first);
}

}  // namespace

std::string Target::name() const { return host + "[" + address.address() + "]"; }

std::string Target::relay() const { return address.is_unix() ? name() : name() + ":" + std::to_string(address.port()); }

bool loops_back(const dsn::Outcome& why) { return why.code == loop_code; }

std::vector<Target> order_targets(std::vector<Target> targets, const Settings& settings)
{
    if (settings.randomize_addresses)
        std::ranges::shuffle(targets, randomness());
    auto rank = [&settings](const Target& target) {
        bool second = (settings.preference == Preference::Ipv4 && is_v6(target)) ||
                      (settings.preference == Preference::Ipv6 && !is_v6(target));
        return std::pair(target.preference, second);
    };
    for (std::size_t i = 1; i < targets.size(); ++i)  // few entries, and equals keep their order
        for (std::size_t j = i; j > 0 && rank(targets[j]) < rank(targets[j - 1]); --j)
            std::swap(targets[j], targets[j - 1]);
    if (settings.address_limit > 0) {
        if (settings.balance_protocols)
            balance(targets, settings.address_limit);
        if (targets.size() > settings.address_limit)
            targets.resize(settings.address_limit);
    }
    return targets;
}

Result<dns::HostAddresses> native_after_dns(const Error& by_dns, Result<dns::HostAddresses> by_native)
{
    if (by_native || is_certain(by_dns))
        return by_native;
    return fail(by_dns);
}

Task<Targets> TargetFinder::find(Nexthop nexthop)
{
    if (nexthop.kind == Nexthop::Kind::Socket) {
        auto address = net::Endpoint::unix_path(nexthop.name);
        if (!address)
            co_return deferred({4, 3, 5}, address.error().text());
        co_return std::vector<Target>{{.host = settings_->myhostname, .address = *address}};
    }
    if (auto literal = net::Endpoint::ip(nexthop.name, nexthop.port))
        co_return std::vector<Target>{{.host = nexthop.name, .address = *literal}};
    if (auto ascii = address::domain_to_ascii(nexthop.name))  // RFC 6531 3.2: the DNS knows the A-labels alone
        nexthop.name = std::move(*ascii);
    if (!address::is_valid_hostname(nexthop.name))
        co_return bounced({5, 4, 4}, dns::describe(printable(nexthop.name), dns::Type::A, "Invalid host name"));
    if (settings_->use_dns &&
        std::ranges::find(settings_->srv_services, nexthop.service) != settings_->srv_services.end())
        if (auto found = co_await find_service(&nexthop))
            co_return std::move(*found);
    if (nexthop.kind == Nexthop::Kind::Domain && settings_->use_dns)
        co_return co_await find_domain(std::move(nexthop));
    co_return co_await find_host(std::move(nexthop));
}

Task<Targets> TargetFinder::find_domain(Nexthop nexthop)
{
    auto found = co_await dns::mail_exchangers(*resolver_, nexthop.name, net::Deadline::after(lookup_timeout));
    if (found && found->null_mx)
        co_return bounced({5, 1, 0}, "Domain " + nexthop.name + " does not accept mail (nullMX)");
    if (found) {
        std::vector<Exchanger> exchangers;
        for (dns::MailExchanger& exchanger : found->hosts)
            exchangers.push_back({std::move(exchanger.host), nexthop.port, exchanger.preference});
        co_return co_await find_exchangers(std::move(nexthop), std::move(exchangers));
    }
    if (found.error().kind() != ErrorKind::NotFound && !settings_->ignore_mx_lookup_error)
        co_return lookup_failed(found.error());
    // RFC 5321 5.1: without MX records the domain is treated as its own exchanger, with preference 0.
    std::vector<Exchanger> itself{{nexthop.name, nexthop.port, 0}};
    co_return co_await find_exchangers(std::move(nexthop), std::move(itself));
}

// postconf(5) use_srv_lookup. Nothing: there is no such record or no answer, and the domain is to be asked for MX and
// address records, as if services were not looked up.
Task<std::optional<Targets>> TargetFinder::find_service(const Nexthop* nexthop)
{
    const std::string service = "_" + nexthop->service + "._tcp." + nexthop->name;
    auto found = co_await dns::service_hosts(*resolver_, service, net::Deadline::after(lookup_timeout));
    if (!found) {
        if (found.error().kind() == ErrorKind::NotFound ? settings_->allow_srv_fallback : settings_->ignore_srv_error)
            co_return std::nullopt;
        co_return Targets(lookup_failed(found.error()));
    }
    if (found->empty())  // RFC 2782: "the service is decidedly not available at this domain"
        co_return Targets(
            bounced({5, 4, 4}, "Domain " + nexthop->name + " does not offer service " + nexthop->service));
    std::vector<Exchanger> exchangers;
    for (dns::ServiceHost& each : *found)
        exchangers.push_back({std::move(each.host), each.port, static_cast<unsigned>(exchangers.size())});
    co_return co_await find_exchangers(*nexthop, std::move(exchangers));
}

Task<Targets> TargetFinder::find_host(Nexthop nexthop)
{
    auto found = co_await look_up(nexthop.name, nexthop.port);
    if (!found)
        co_return lookup_failed(found.error());
    std::vector<Target> targets;
    for (const net::Endpoint& address : found->addresses)
        targets.push_back({.host = nexthop.name, .address = address});
    co_return order_targets(std::move(targets), *settings_);
}

Task<Targets> TargetFinder::find_exchangers(Nexthop nexthop, std::vector<Exchanger> exchangers)
{
    if (exchangers.size() > most_exchangers)
        exchangers.resize(most_exchangers);
    std::vector<Result<dns::HostAddresses>> found(exchangers.size(),
                                                  Result<dns::HostAddresses>(fail(ErrorKind::Cancelled, "not asked")));
    net::TaskGroup lookups;
    for (std::size_t i = 0; i < exchangers.size(); ++i)
        lookups.start(look_up_into(exchangers[i].host, exchangers[i].port, &found[i]));
    // Each lookup has a deadline; the group ends with them.
    static_cast<void>(co_await lookups.join(net::Deadline::never()));

    std::vector<Target> targets;
    const Error* failure = nullptr;
    for (std::size_t i = 0; i < exchangers.size(); ++i) {
        if (!found[i]) {
            // Doubt about one host outweighs certainty about another.
            if (!failure || failure->kind() == ErrorKind::NotFound)
                failure = &found[i].error();
            continue;
        }
        for (const net::Endpoint& address : found[i]->addresses)
            targets.push_back({.host = exchangers[i].host,
                               .address = address,
                               .preference = exchangers[i].preference,
                               .is_exchanger = true});
    }
    if (targets.empty()) {
        auto failed = lookup_failed(*failure);
        if (settings_->defer_if_no_mx_address && failed.error().action == dsn::Action::Bounced)
            co_return deferred({4, 4, 4}, failed.error().text);
        co_return failed;
    }
    unsigned own = ~0U;
    for (const Target& target : targets)
        if (is_own(target))
            own = std::min(own, target.preference);
    std::erase_if(targets, [own](const Target& target) { return target.preference >= own; });
    if (targets.empty())
        co_return bounced(loop_code, "mail for " + nexthop.name + " loops back to myself");
    co_return order_targets(std::move(targets), *settings_);
}

// Only on the port where other systems' mail comes in: on another one a filter or another instance listens.
bool TargetFinder::is_own(const Target& target) const
{
    return settings_->dialect == Dialect::Smtp && target.address.port() == smtp_port &&
           own_addresses_->contains(target.address.address());
}

Task<Result<dns::HostAddresses>> TargetFinder::look_up(std::string host, std::uint16_t port)
{
    if (!settings_->dns_lookup && !settings_->native_lookup)
        co_return fail(ErrorKind::Temporary, "no method in smtp_host_lookup can be used");
    if (!settings_->dns_lookup)
        co_return co_await dns::native_addresses(host, port, settings_->protocols);
    auto by_dns =
        co_await dns::addresses(*resolver_, host, port, settings_->protocols, net::Deadline::after(lookup_timeout));
    if (by_dns || !settings_->native_lookup)
        co_return by_dns;
    auto by_native = co_await dns::native_addresses(host, port, settings_->protocols);
    co_return native_after_dns(by_dns.error(), std::move(by_native));
}

Task<void> TargetFinder::look_up_into(std::string host, std::uint16_t port, Result<dns::HostAddresses>* found)
{
    *found = co_await look_up(std::move(host), port);
}

}  // namespace posthaste::smtp_client
