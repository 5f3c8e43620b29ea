// router_impl.h — what a Router holds: the snapshot's routing parameters, parsed once. Private to src/routing.
#pragma once

#include "address/local_part.h"
#include "match/list.h"
#include "param/basics.h"
#include "param/cleanup.h"
#include "param/rewrite.h"
#include "routing/canonical.h"
#include "routing/own_addresses.h"
#include "routing/router.h"
#include "routing/unwrap.h"
#include "table/maps.h"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

namespace posthaste::routing {

// Where an address points after local domains are unwrapped.
struct Destination {
    std::string local_part;
    std::string domain;
    bool malformed = false;
};

struct Router::Impl {
    std::shared_ptr<const config::Config> config;     // of the process: recipient checks
    std::shared_ptr<const config::Config> rewriting;  // of the trivial-rewrite service: everything else

    // Forms of addresses.
    RewriteRules local_rules;
    RewriteRules remote_rules;
    UnwrapRules unwrap_rules;
    std::string own_name;         // myhostname: the domain of addresses that have none
    std::string empty_recipient;  // empty_address_recipient
    bool null_domain_is_local = false;
    bool numeric_domain_is_literal = false;
    bool may_begin_with_minus = false;

    // Classes.
    OwnAddresses own_addresses;
    match::List mydestination;
    match::List virtual_alias_domains;
    match::List virtual_mailbox_domains;
    match::List relay_domains;
    std::unordered_set<std::string> warned;  // of domains in two classes

    // Transports.
    std::string error_transport;  // error_service_name
    TransportAndNexthop local_transport;
    TransportAndNexthop virtual_transport;
    TransportAndNexthop relay_transport;
    TransportAndNexthop default_transport;
    std::string relayhost;
    std::string empty_sender_relayhost_key;
    std::string empty_sender_transport_key;
    table::ParentDomains transport_parents = table::ParentDomains::Dotted;
    table::Maps transport_maps;
    table::Maps relocated;
    table::Maps sender_dependent_relayhost;
    table::Maps sender_dependent_default_transport;

    // Recipients.
    bool recipient_maps_open = false;
    table::Maps canonical_maps;
    table::Maps recipient_canonical_maps;
    table::Maps sender_canonical_maps;
    table::Maps virtual_alias_maps;
    table::Maps local_recipient_maps;
    table::Maps virtual_mailbox_maps;
    table::Maps relay_recipient_maps;

    Result<void> open();
    Result<void> open_lists();
    Result<void> open_maps();
    Result<void> open_recipient_maps();

    Task<Result<Destination>> unwrap(std::string address);
    Task<Result<bool>> is_local(std::string_view domain);
    Task<Result<AddressClass>> class_of(std::string domain);
    Task<Result<Route>> resolve(std::string sender, std::string recipient);
    [[nodiscard]] std::string default_nexthop(std::string_view transport, const Destination& destination) const;
    Task<Result<void>> choose_by_class(std::string_view sender, const Destination* destination, Route* route);
    Task<Result<std::optional<std::string>>> for_sender(std::string_view parameter, table::Maps* maps,
                                                        std::string_view sender, std::string_view empty_key);
    Task<Result<bool>> apply_relocated(Route* route);
    Task<Result<void>> apply_transport_maps(const Destination* destination, Route* route);

    // Who the recipients of a class are; none where the class accepts any.
    struct RecipientTable {
        table::Maps* maps;
        std::string_view parameter;
        std::string_view name;  // in replies
    };
    std::optional<RecipientTable> recipient_table(AddressClass address_class);

    enum class Role : unsigned char { Sender, Recipient };
    Task<Result<RecipientStatus>> check(std::string address, Route route, Role role);
    Task<Result<bool>> is_rewritten(std::string_view address, AddressClass address_class, Role role);
    Task<Result<bool>> is_listed(table::Maps* maps, std::string_view parameter, std::string_view address,
                                 AddressClass address_class);

    void warn_of_two_classes(const std::string& domain, std::string_view first, std::string_view second);
    // "User unknown in local recipient table", without the table where show_user_unknown_table_name = no.
    [[nodiscard]] std::string unknown_user(std::string_view table) const;
};

}  // namespace posthaste::routing
