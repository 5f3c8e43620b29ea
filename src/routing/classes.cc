// classes.cc — which of the five address classes a domain belongs to (ADDRESS_CLASS_README).
#include "base/text.h"
#include "log/log.h"
#include "routing/router_impl.h"

namespace posthaste::routing {

Task<Result<bool>> Router::Impl::is_local(std::string_view domain)
{
    if (domain.starts_with('['))
        co_return own_addresses.contains(domain);
    co_return co_await mydestination.matches_string(domain);
}

// The first class that has the domain wins; with helpful_warnings the later ones are asked as well, because a domain
// in two classes is a mistake that shows as "user unknown" or as mail that goes in circles.
Task<Result<AddressClass>> Router::Impl::class_of(std::string domain)
{
    const bool warn = config->get(param::helpful_warnings);
    CO_TRY(bool local, co_await is_local(domain));
    if (local && !warn)
        co_return AddressClass::Local;
    CO_TRY(bool alias, co_await virtual_alias_domains.matches_string(domain));
    if (local && alias)
        warn_of_two_classes(domain, "mydestination", "virtual_alias_domains");
    if (alias && !local && !warn)
        co_return AddressClass::VirtualAlias;
    CO_TRY(bool mailbox, co_await virtual_mailbox_domains.matches_string(domain));
    if (mailbox && local)
        warn_of_two_classes(domain, "mydestination", "virtual_mailbox_domains");
    else if (mailbox && alias)
        warn_of_two_classes(domain, "virtual_alias_domains", "virtual_mailbox_domains");
    if (local)
        co_return AddressClass::Local;  // relay_domains contains $mydestination by intention
    CO_TRY(bool relay, co_await relay_domains.matches_domain(domain));
    if (relay && alias)
        warn_of_two_classes(domain, "virtual_alias_domains", "relay_domains");
    else if (relay && mailbox)
        warn_of_two_classes(domain, "virtual_mailbox_domains", "relay_domains");
    if (alias)
        co_return AddressClass::VirtualAlias;
    if (mailbox)
        co_return AddressClass::VirtualMailbox;
    co_return relay ? AddressClass::Relay : AddressClass::Default;
}

void Router::Impl::warn_of_two_classes(const std::string& domain, std::string_view first, std::string_view second)
{
    constexpr std::size_t most_remembered = 1000;
    if (!config->get(param::helpful_warnings) || warned.size() >= most_remembered ||
        !warned.insert(to_lower(domain) + " " + std::string(second)).second)
        return;
    log::warning("do not list domain {} in BOTH {} and {}", domain, first, second);
}

}  // namespace posthaste::routing
