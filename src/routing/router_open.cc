// router_open.cc — from a configuration snapshot to a Router: lists parsed, tables open.
#include "base/text.h"
#include "config/service_config.h"
#include "param/services.h"
#include "routing/router_impl.h"
#include "table/settings.h"

namespace posthaste::routing {

namespace {

Result<TransportAndNexthop> transport_parameter(std::string_view name, const std::string& value)
{
    TransportAndNexthop parsed = parse_transport(value);
    if (parsed.transport.empty())
        return fail(ErrorKind::Invalid, std::string(name) + ": expected transport or transport:nexthop, found \"" +
                                            printable(value) + "\"");
    return parsed;
}

}  // namespace

Result<std::unique_ptr<Router>> Router::open(std::shared_ptr<const config::Config> config, Purpose purpose)
{
    auto impl = std::make_unique<Impl>();
    TRY(impl->rewriting,
        config::load_for_service(*config, config->get(param::rewrite_service_name), "trivial-rewrite"));
    impl->config = std::move(config);
    TRY(impl->open());
    if (purpose == Purpose::RecipientChecks)
        TRY(impl->open_recipient_maps());
    return std::unique_ptr<Router>(new Router(std::move(impl)));
}

Result<std::unique_ptr<Router>> Router::open_as_service(std::shared_ptr<const config::Config> config)
{
    auto impl = std::make_unique<Impl>();
    impl->config = impl->rewriting = std::move(config);
    TRY(impl->open());
    TRY(impl->open_recipient_maps());
    return std::unique_ptr<Router>(new Router(std::move(impl)));
}

Result<void> Router::Impl::open()
{
    const auto scope = table::OptionsScope::enter(rewriting);
    own_name = rewriting->get(param::myhostname);
    local_rules = {
        .origin = rewriting->get(param::append_at_myorigin) ? rewriting->get(param::myorigin) : std::string(),
        .domain = rewriting->get(param::append_dot_mydomain) ? rewriting->get(param::mydomain) : std::string(),
        .swap_bangpath = rewriting->get(param::swap_bangpath),
        .percent_hack = rewriting->get(param::allow_percent_hack)};
    remote_rules = local_rules;
    remote_rules.origin = remote_rules.domain = rewriting->get(param::remote_header_rewrite_domain);
    unwrap_rules = {.swap_bangpath = local_rules.swap_bangpath,
                    .percent_hack = local_rules.percent_hack,
                    .dequoted_address = rewriting->get(param::resolve_dequoted_address)};
    empty_recipient = rewriting->get(param::empty_address_recipient);
    null_domain_is_local = rewriting->get(param::resolve_null_domain);
    numeric_domain_is_literal = rewriting->get(param::resolve_numeric_domain);
    may_begin_with_minus = rewriting->get(param::allow_min_user);

    error_transport = rewriting->get(param::error_service_name);
    TRY(local_transport, transport_parameter("local_transport", rewriting->get(param::local_transport)));
    TRY(virtual_transport, transport_parameter("virtual_transport", rewriting->get(param::virtual_transport)));
    TRY(relay_transport, transport_parameter("relay_transport", rewriting->get(param::relay_transport)));
    TRY(default_transport, transport_parameter("default_transport", rewriting->get(param::default_transport)));
    relayhost = trim(rewriting->get(param::relayhost));
    empty_sender_relayhost_key = rewriting->get(param::empty_address_relayhost_maps_lookup_key);
    empty_sender_transport_key = rewriting->get(param::empty_address_default_transport_maps_lookup_key);
    transport_parents = match::parents_for("transport_maps", rewriting->get(param::parent_domain_matches_subdomains));

    TRY(own_addresses,
        OwnAddresses::open(rewriting->get(param::inet_interfaces), rewriting->get(param::proxy_interfaces)));
    TRY(open_lists());
    return open_maps();
}

Result<void> Router::Impl::open_lists()
{
    TRY(mydestination, match::List::parse(rewriting->get(param::mydestination), match::Kind::String));
    TRY(virtual_alias_domains, match::List::parse(rewriting->get(param::virtual_alias_domains), match::Kind::String));
    TRY(virtual_mailbox_domains,
        match::List::parse(rewriting->get(param::virtual_mailbox_domains), match::Kind::String));
    const auto relay_parents =
        match::parents_for("relay_domains", rewriting->get(param::parent_domain_matches_subdomains));
    TRY(relay_domains,
        match::List::parse(rewriting->get(param::relay_domains), match::Kind::Domain, {.parents = relay_parents}));
    return {};
}

Result<void> Router::Impl::open_maps()
{
    TRY(transport_maps, table::open_maps(*rewriting, param::transport_maps));
    TRY(relocated, table::open_maps(*rewriting, param::relocated_maps));
    TRY(sender_dependent_relayhost, table::open_maps(*rewriting, param::sender_dependent_relayhost_maps));
    TRY(sender_dependent_default_transport,
        table::open_maps(*rewriting, param::sender_dependent_default_transport_maps));
    return {};
}

// The tables that only recipient checks need.
Result<void> Router::Impl::open_recipient_maps()
{
    if (recipient_maps_open)
        return {};
    const auto scope = table::OptionsScope::enter(config);
    TRY(canonical_maps, table::Maps::open(config->get(param::canonical_maps)));
    TRY(recipient_canonical_maps, table::Maps::open(config->get(param::recipient_canonical_maps)));
    TRY(sender_canonical_maps, table::Maps::open(config->get(param::sender_canonical_maps)));
    TRY(virtual_alias_maps, table::Maps::open(config->get(param::virtual_alias_maps)));
    TRY(local_recipient_maps, table::Maps::open(config->get(param::local_recipient_maps)));
    TRY(virtual_mailbox_maps, table::Maps::open(config->get(param::virtual_mailbox_maps)));
    TRY(relay_recipient_maps, table::Maps::open(config->get(param::relay_recipient_maps)));
    recipient_maps_open = true;
    return {};
}

}  // namespace posthaste::routing
