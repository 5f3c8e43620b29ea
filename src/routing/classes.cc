// classes.cc — which of the five address classes a domain belongs to (ADDRESS_CLASS_README).
#include "base/text.h"
#include "base/trace.h"
#include "log/log.h"
#include "routing/router_impl.h"

namespace posthaste::routing {

namespace {

std::string_view answer(bool listed) { return listed ? "listed" : "not listed"; }

using Question = match::Match (match::List::*)(std::string_view);

// Whether the list that the parameter holds has the domain.
Task<Result<bool>> lists(match::List* list, std::string_view parameter, std::string_view domain,
                         Question question = &match::List::matches_string)
{
    trace::Step step(parameter, domain);
    CO_TRY(bool listed, co_await (list->*question)(domain));
    step.result(answer(listed));
    co_return listed;
}

}  // namespace

Task<Result<bool>> Router::Impl::is_local(std::string_view domain)
{
    if (domain.starts_with('[')) {
        trace::Step step("inet_interfaces", domain);
        const bool own = own_addresses.contains(domain);
        step.result(answer(own));
        co_return own;
    }
    co_return co_await lists(&mydestination, "mydestination", domain);
}

// The first class that has the domain wins; with helpful_warnings the later ones are asked as well, because a domain
// in two classes is a mistake that shows as "user unknown" or as mail that goes in circles.
Task<Result<AddressClass>> Router::Impl::class_of(std::string domain)
{
    const bool warn = rewriting->get(param::helpful_warnings);
    CO_TRY(bool local, co_await is_local(domain));
    if (local && !warn)
        co_return AddressClass::Local;
    CO_TRY(bool alias, co_await lists(&virtual_alias_domains, "virtual_alias_domains", domain));
    if (local && alias)
        warn_of_two_classes(domain, "mydestination", "virtual_alias_domains");
    if (alias && !local && !warn)
        co_return AddressClass::VirtualAlias;
    CO_TRY(bool mailbox, co_await lists(&virtual_mailbox_domains, "virtual_mailbox_domains", domain));
    if (mailbox && local)
        warn_of_two_classes(domain, "mydestination", "virtual_mailbox_domains");
    else if (mailbox && alias)
        warn_of_two_classes(domain, "virtual_alias_domains", "virtual_mailbox_domains");
    if (local)
        co_return AddressClass::Local;  // relay_domains contains $mydestination by intention
    CO_TRY(bool relay, co_await lists(&relay_domains, "relay_domains", domain, &match::List::matches_domain));
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
    if (!rewriting->get(param::helpful_warnings) || warned.size() >= most_remembered ||
        !warned.insert(to_lower(domain) + " " + std::string(second)).second)
        return;
    log::warning("do not list domain {} in BOTH {} and {}", domain, first, second);
}

}  // namespace posthaste::routing
