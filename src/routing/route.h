// route.h — what routing says of one address: its class, and where mail for it goes. Values, no behaviour.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::routing {

// ADDRESS_CLASS_README: every domain belongs to one of five classes.
enum class AddressClass : std::uint8_t {
    Local,           // mydestination, and [addresses] of inet_interfaces and proxy_interfaces
    VirtualAlias,    // virtual_alias_domains: every address must be an alias
    VirtualMailbox,  // virtual_mailbox_domains
    Relay,           // relay_domains and their subdomains
    Default,         // everything else
};

// "local", "virtual alias", ...: as the manuals say it.
std::string_view name(AddressClass address_class);

// The service of error(8) that puts mail off.
inline constexpr std::string_view retry_transport = "retry";

// Where mail for a recipient goes. `transport` is a service of master.cf, or "error" / "retry" with the reason in
// `nexthop` ("5.1.1 User unknown in virtual alias table").
struct Route {
    AddressClass address_class = AddressClass::Default;
    std::string transport;
    std::string nexthop;
    // The recipient in internal form as the agent shall see it: with a domain, percent hack and source route undone.
    std::string recipient;
    // With local domains unwrapped, there is still an '@', '%' or '!' in the local part (user%elsewhere@relay.test):
    // the next system might forward the mail, so nobody gets it there who may not relay (smtpd: "Relay access denied").
    bool sender_routed = false;
    // No address at all (user@[bad literal], user@two..dots, -user without allow_min_user): the transport is "error",
    // smtpd answers 501 5.1.3.
    bool malformed = false;

    friend bool operator==(const Route&, const Route&) = default;
};

// Whether a recipient is listed in the tables of its class.
struct RecipientStatus {
    bool known = true;
    // Unknown: the enhanced code and the text behind "Recipient address rejected: ".
    std::string code;  // "5.1.1"; of class 4 where the transport is retry
    std::string text;  // "User unknown in local recipient table"

    friend bool operator==(const RecipientStatus&, const RecipientStatus&) = default;
};

// Which domain completes an address that has none (postconf(5) local_header_rewrite_clients): $myorigin and
// $mydomain, or $remote_header_rewrite_domain, and where that is empty the address stays as it is.
enum class RewriteContext : std::uint8_t { Local, Remote };

}  // namespace posthaste::routing
