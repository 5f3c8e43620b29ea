// router.cc — see router.h. Opening, and the two entry points' way through classes, transports and nexthops.
#include "routing/router.h"

#include "address/local_part.h"
#include "base/text.h"
#include "base/trace.h"
#include "log/log.h"
#include "routing/canonical.h"
#include "routing/owner_and_request.h"
#include "routing/router_impl.h"

#include <fmt/format.h>

namespace posthaste::routing {

namespace {

constexpr std::string_view no_override = "DUNNO";  // ends a sender-dependent search without a result

}  // namespace

// A transport without a nexthop goes to the recipient's domain; error and retry have a reason in its place.
std::string Router::Impl::default_nexthop(std::string_view transport, const Destination& destination) const
{
    if (transport == error_transport || transport == retry_transport)
        return "Address is undeliverable";
    return destination.domain;
}

Router::Router(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Router::~Router() = default;

const std::shared_ptr<const config::Config>& Router::rewriting() const { return impl_->rewriting; }

Task<Result<Route>> Router::resolve(std::string sender, std::string recipient)
{
    return impl_->resolve(std::move(sender), std::move(recipient));
}

Task<Result<AddressClass>> Router::class_of(std::string domain) { return impl_->class_of(std::move(domain)); }

std::string Router::canonical_external_form(std::string_view address, RewriteContext context) const
{
    return rewrite_to_standard_form(address,
                                    context == RewriteContext::Local ? impl_->local_rules : impl_->remote_rules);
}

std::string Router::canonical_form(std::string_view address, RewriteContext context) const
{
    const RewriteRules& rules = context == RewriteContext::Local ? impl_->local_rules : impl_->remote_rules;
    return address::unquote(rewrite_to_standard_form(address::quote(without_source_route(address)), rules));
}

// The domain that is the destination, local domains unwrapped: what they wrap is an address of its own.
Task<Result<Destination>> Router::Impl::unwrap(std::string address)
{
    Destination destination{.local_part = std::move(address), .domain = own_name};
    constexpr int deepest = 100;
    for (int depth = 0; depth < deepest; ++depth) {
        auto inner = depth == 0 && destination.local_part.rfind('@') != std::string::npos
                         ? std::optional(destination.local_part)
                         : address_in_local_part(destination.local_part, unwrap_rules);
        if (!inner)
            co_return destination;
        if (depth > 0) {
            trace::Step step("local part that is an address", destination.local_part);
            step.result(*inner);
        }
        address::Split split = address::split_at_domain(*inner);
        std::string domain(split.domain);
        if (domain.ends_with('.'))
            domain.pop_back();
        // What a local part holds is an address that nobody has completed yet: user%host@here.
        if (depth > 0 && !domain.empty() && !domain.starts_with('[') && !domain.contains('.') &&
            !local_rules.domain.empty())
            domain += "." + local_rules.domain;
        std::string user(split.local_part);
        destination = {.local_part = user, .domain = domain};
        if (domain.empty() && null_domain_is_local)
            destination.domain = own_name;
        if (numeric_domain_is_literal && !domain.starts_with('[') && net::Endpoint::ip(domain, 0))
            destination.domain = "[" + domain + "]";
        destination.malformed = !is_valid_domain(destination.domain);
        if (destination.malformed)
            co_return destination;
        CO_TRY(bool local, co_await is_local(destination.domain));
        if (!local)
            co_return destination;
    }
    destination.malformed = true;
    co_return destination;
}

Task<Result<Route>> Router::Impl::resolve(std::string sender, std::string recipient)
{
    if (recipient.empty())
        recipient = empty_recipient;
    CO_TRY(Destination destination, co_await unwrap(std::move(recipient)));
    Route route;
    route.recipient = destination.local_part + "@" + destination.domain;
    // postconf(5) allow_untrusted_routing: the next system might forward u%elsewhere@it to elsewhere.
    route.sender_routed = destination.local_part.find_first_of("@%!") != std::string::npos;
    route.malformed = destination.malformed || (!may_begin_with_minus && route.recipient.starts_with('-'));
    if (route.malformed) {
        trace::Step step("syntax of addresses", route.recipient);
        step.result("malformed: nobody has this address");
        route.transport = error_transport;
        route.nexthop = "5.1.3 bad address syntax";
        co_return route;
    }
    CO_TRY(route.address_class, co_await class_of(destination.domain));
    CO_TRY(co_await choose_by_class(sender, &destination, &route));
    CO_TRY(bool moved, co_await apply_relocated(&route));
    if (!moved)
        CO_TRY(co_await apply_transport_maps(&destination, &route));
    co_return route;
}

// transport(5), DESCRIPTION: the four class transports, and in which order the nexthop is looked for.
Task<Result<void>> Router::Impl::choose_by_class(std::string_view sender, const Destination* destination, Route* route)
{
    TransportAndNexthop chosen;
    auto choose = [&](std::string_view parameter, const TransportAndNexthop& value) {
        trace::Step step(parameter, route->recipient);
        if (step)
            step.result(fmt::format("{}:{}", value.transport, value.nexthop));
        chosen = value;
    };
    switch (route->address_class) {
    case AddressClass::VirtualAlias: {
        trace::Step step("virtual_alias_domains", route->recipient);
        route->transport = error_transport;
        route->nexthop = "5.1.1 " + unknown_user("virtual alias table");
        step.result("no virtual alias: the address does not exist");
        co_return Result<void>{};
    }
    case AddressClass::Local: choose("local_transport", local_transport); break;
    case AddressClass::VirtualMailbox: choose("virtual_transport", virtual_transport); break;
    case AddressClass::Relay: choose("relay_transport", relay_transport); break;
    case AddressClass::Default: {
        CO_TRY(auto found,
               co_await for_sender("sender_dependent_default_transport_maps", &sender_dependent_default_transport,
                                   sender, empty_sender_transport_key));
        if (found)
            chosen = parse_transport(*found);
        else
            choose("default_transport", default_transport);
        if (chosen.transport.empty())
            chosen.transport = default_transport.transport;
        break;
    }
    }
    const bool leaves_this_system =
        route->address_class == AddressClass::Relay || route->address_class == AddressClass::Default;
    if (chosen.nexthop.empty() && leaves_this_system) {
        CO_TRY(auto found, co_await for_sender("sender_dependent_relayhost_maps", &sender_dependent_relayhost, sender,
                                               empty_sender_relayhost_key));
        trace::Step step("relayhost", route->recipient);
        if (!found)
            step.result(relayhost);
        chosen.nexthop = found ? *found : relayhost;
    }
    route->transport = std::move(chosen.transport);
    route->nexthop =
        chosen.nexthop.empty() ? default_nexthop(route->transport, *destination) : std::move(chosen.nexthop);
    co_return Result<void>{};
}

// As canonical(5) looks addresses up: the bare user stands for senders of this machine, too.
Task<Result<std::optional<std::string>>> Router::Impl::for_sender(std::string_view parameter, table::Maps* maps,
                                                                  std::string_view sender, std::string_view empty_key)
{
    if (maps->empty())
        co_return std::optional<std::string>();
    const std::string_view key = sender.empty() ? empty_key : sender;
    const std::string_view domain = address::split_at_domain(key).domain;
    CO_TRY(const bool local, co_await is_local(domain));
    trace::Step step(parameter, key);
    CO_TRY(auto hit, co_await maps->find_address(
                         key, {.order = table::AddressOrder::Canonical,
                               .recipient_delimiter = rewriting->get(param::recipient_delimiter),
                               .domain_is_local = local || equal_ignoring_case(domain, rewriting->get(param::myorigin)),
                               .names = owner_and_request(*rewriting)}));
    if (!hit || equal_ignoring_case(hit->value, no_override))
        co_return std::optional<std::string>();
    step.result(hit->value);
    co_return std::optional(std::move(hit->value));
}

// relocated(5): whatever the class, mail for who has moved goes back with the new address.
Task<Result<bool>> Router::Impl::apply_relocated(Route* route)
{
    if (relocated.empty())
        co_return false;
    trace::Step step("relocated_maps", route->recipient);
    CO_TRY(auto hit, co_await relocated.find_address(route->recipient,
                                                     {.order = table::AddressOrder::Canonical,
                                                      .recipient_delimiter = rewriting->get(param::recipient_delimiter),
                                                      .domain_is_local = route->address_class == AddressClass::Local,
                                                      .names = owner_and_request(*rewriting)}));
    if (!hit)
        co_return false;
    route->transport = error_transport;
    route->nexthop = rewriting->get(param::relocated_prefix_enable) ? "5.1.6 User has moved to " + hit->value
                                                                    : std::move(hit->value);
    step.result(route->nexthop);
    co_return true;
}

// transport(5), RESULT FORMAT: an empty part keeps what would be used without the table, but a transport without a
// nexthop goes to the recipient's domain.
Task<Result<void>> Router::Impl::apply_transport_maps(const Destination* destination, Route* route)
{
    if (transport_maps.empty() || route->address_class == AddressClass::VirtualAlias)
        co_return Result<void>{};
    trace::Step step("transport_maps", route->recipient);
    CO_TRY(auto hit, co_await transport_maps.find_address(
                         route->recipient, {.order = table::AddressOrder::Transport,
                                            .recipient_delimiter = rewriting->get(param::recipient_delimiter),
                                            .parents = transport_parents,
                                            .names = owner_and_request(*rewriting)}));
    if (!hit)
        co_return Result<void>{};
    step.result(hit->value);
    TransportAndNexthop chosen = parse_transport(hit->value);
    if (!chosen.transport.empty()) {
        route->transport = std::move(chosen.transport);
        route->nexthop =
            chosen.nexthop.empty() ? default_nexthop(route->transport, *destination) : std::move(chosen.nexthop);
    } else if (!chosen.nexthop.empty()) {
        route->nexthop = std::move(chosen.nexthop);
    }
    co_return Result<void>{};
}

}  // namespace posthaste::routing
