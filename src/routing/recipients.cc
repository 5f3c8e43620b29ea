// recipients.cc — whether an address is listed in the tables of its class (LOCAL_RECIPIENT_README, postconf(5)
// smtpd_reject_unlisted_recipient).
//
// An address that a canonical or virtual alias table rewrites counts as known whatever its class. A table that cannot
// answer is an error: "unknown" is said only by tables that answered.
#include "base/text.h"
#include "base/trace.h"
#include "dsn/outcome.h"
#include "param/bounce.h"
#include "routing/owner_and_request.h"
#include "routing/router_impl.h"

#include <fmt/format.h>

namespace posthaste::routing {

namespace {

// relocated(5), error: and retry: in transport(5), and the virtual alias class: the nexthop says why, with a code that
// is the recipient's. Its class is that of the transport.
RecipientStatus status_of_error(const std::string& nexthop, dsn::Code code, bool is_temporary)
{
    constexpr std::uint8_t temporary = 4, permanent = 5;
    dsn::CodedText said = dsn::split_code(nexthop, code);
    said.code.status_class = is_temporary ? temporary : permanent;
    return {.known = false, .code = said.code.text(), .text = std::move(said.text)};
}

}  // namespace

Task<Result<RecipientStatus>> Router::check_recipient(std::string address, Route route)
{
    return impl_->check(std::move(address), std::move(route), Impl::Role::Recipient);
}

Task<Result<RecipientStatus>> Router::check_sender(std::string address, Route route)
{
    return impl_->check(std::move(address), std::move(route), Impl::Role::Sender);
}

std::string Router::Impl::unknown_user(std::string_view table) const
{
    if (config->get(param::show_user_unknown_table_name))
        return fmt::format("User unknown in {}", table);
    return "User unknown";
}

// canonical(5), virtual(5): the bare user stands for user@site "when site is equal to $myorigin", too.
Task<Result<bool>> Router::Impl::is_listed(table::Maps* maps, std::string_view parameter, std::string_view address,
                                           AddressClass address_class)
{
    if (maps->empty())
        co_return false;
    trace::Step step(parameter, address);
    const bool local = address_class == AddressClass::Local ||
                       equal_ignoring_case(address::split_at_domain(address).domain, config->get(param::myorigin));
    CO_TRY(auto hit,
           co_await maps->find_address(address, {.order = table::AddressOrder::Canonical,
                                                 .recipient_delimiter = config->get(param::recipient_delimiter),
                                                 .domain_is_local = local,
                                                 .names = owner_and_request(*config)}));
    step.result(hit ? "listed" : "not listed");
    co_return hit.has_value();
}

Task<Result<bool>> Router::Impl::is_rewritten(std::string_view address, AddressClass address_class, Role role)
{
    struct Asked {
        table::Maps* maps;
        std::string_view parameter;
    };
    const Asked own = role == Role::Sender ? Asked{&sender_canonical_maps, "sender_canonical_maps"}
                                           : Asked{&recipient_canonical_maps, "recipient_canonical_maps"};
    const Asked all[] = {own, {&canonical_maps, "canonical_maps"}, {&virtual_alias_maps, "virtual_alias_maps"}};
    for (const Asked& asked : all) {
        CO_TRY(bool listed, co_await is_listed(asked.maps, asked.parameter, address, address_class));
        if (listed)
            co_return true;
    }
    co_return false;
}

std::optional<Router::Impl::RecipientTable> Router::Impl::recipient_table(AddressClass address_class)
{
    switch (address_class) {
    case AddressClass::Local:
        return RecipientTable{&local_recipient_maps, "local_recipient_maps", "local recipient table"};
    case AddressClass::VirtualMailbox:
        return RecipientTable{&virtual_mailbox_maps, "virtual_mailbox_maps", "virtual mailbox table"};
    case AddressClass::Relay:
        return RecipientTable{&relay_recipient_maps, "relay_recipient_maps", "relay recipient table"};
    case AddressClass::VirtualAlias:
    case AddressClass::Default: break;
    }
    return std::nullopt;
}

Task<Result<RecipientStatus>> Router::Impl::check(std::string address, Route route, Role role)
{
    const std::string_view code = role == Role::Recipient ? "5.1.1" : "5.1.0";
    CO_TRY(open_recipient_maps());
    CO_TRY(bool rewritten, co_await is_rewritten(address, route.address_class, role));
    // All mail to double_bounce_sender is discarded on purpose (postconf(5)).
    if (rewritten || (route.address_class == AddressClass::Local &&
                      equal_ignoring_case(address::split_at_domain(route.recipient).local_part,
                                          config->get(param::double_bounce_sender))))
        co_return RecipientStatus{};
    if (route.transport == error_transport || (route.transport == retry_transport && role == Role::Recipient))
        co_return status_of_error(route.nexthop, {5, 1, 1}, route.transport == retry_transport);
    // Only is_rewritten() makes a virtual alias known.
    if (route.address_class == AddressClass::VirtualAlias)
        co_return RecipientStatus{
            .known = false, .code = std::string(code), .text = unknown_user("virtual alias table")};
    auto table = recipient_table(route.address_class);
    if (!table || table->maps->empty())
        co_return RecipientStatus{};
    CO_TRY(bool listed, co_await is_listed(table->maps, table->parameter, route.recipient, route.address_class));
    if (listed)
        co_return RecipientStatus{};
    co_return RecipientStatus{.known = false, .code = std::string(code), .text = unknown_user(table->name)};
}

}  // namespace posthaste::routing
