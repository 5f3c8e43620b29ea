// Restriction lists (postconf(5) smtpd_recipient_restrictions and its kin) as parsed objects.
//
// A list is parsed once, when the process starts; policy.h evaluates it. Parsing never fails as a whole: an element
// that cannot be used (misspelt, not implemented, a broken argument) becomes Rule::Broken with the line for the log,
// and evaluating it answers 451 4.3.5, as Postfix does. So a typing error delays mail instead of losing it, and never
// opens a relay.
#pragma once

#include "config/config.h"
#include "table/maps.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::smtpd {

enum class Rule : std::uint8_t {
    Permit,
    Reject,
    Defer,
    DeferIfPermit,
    DeferIfReject,
    WarnIfReject,  // turns the rejection by the next restriction into a log line
    Sleep,
    PermitInetInterfaces,
    PermitMynetworks,
    PermitNobody,  // permit_sasl_authenticated: nobody is authenticated here
    PermitTlsClientcerts,
    PermitTlsAllClientcerts,
    RejectPlaintextSession,
    PermitAuthDestination,
    RejectUnauthDestination,
    DeferUnauthDestination,
    RejectUnauthPipelining,
    RejectMultiRecipientBounce,
    RejectUnlistedRecipient,
    RejectUnlistedSender,
    RejectNonFqdnHelo,
    RejectNonFqdnSender,
    RejectNonFqdnRecipient,
    RejectInvalidHelo,
    CheckClientAccess,
    CheckHeloAccess,
    CheckSenderAccess,
    CheckRecipientAccess,
    CheckEtrnAccess,
    CheckCcertAccess,
    List,    // a class of smtpd_restriction_classes
    Broken,  // 451 4.3.5; `argument` is the line for the log
};

// Which list an element stands in: gives a bare type:table its meaning and rejections their words.
enum class ListKind : std::uint8_t { Client, Helo, Sender, Relay, Recipient, Data, EndOfData, Etrn };

struct Restriction;
using RestrictionList = std::vector<Restriction>;

struct Restriction {
    Rule rule = Rule::Broken;
    std::string name;      // as it was written
    std::string argument;  // what follows the name, if it takes something
    std::shared_ptr<table::Maps> maps;
    std::shared_ptr<const RestrictionList> list;
    std::chrono::seconds pause{0};
};

// Parses lists and remembers the tables that they share. Used while the process starts, and for restriction names
// that access tables return; lives as long as the configuration. Loop's thread.
class RestrictionParser {
public:
    explicit RestrictionParser(std::shared_ptr<const config::Config> config);

    RestrictionList parse(std::string_view text, ListKind kind);

private:
    class Elements;
    void parse_element(Elements& elements, RestrictionList& list, ListKind kind);
    Restriction check_access(Rule rule, std::string_view name, std::string_view table);
    std::shared_ptr<table::Maps> open_maps(std::string_view table, std::string& problem);
    Restriction restriction_class(std::string_view name, ListKind kind);

    std::shared_ptr<const config::Config> config_;
    std::vector<std::string> classes_;
    std::map<std::string, std::shared_ptr<table::Maps>, std::less<>> maps_;
    int depth_ = 0;
};

// Whether the list can stop mail for foreign domains: postconf(5) smtpd_relay_restrictions demands one of
// reject_unauth_destination, defer_unauth_destination, reject, defer, defer_if_permit.
bool stops_relaying(const RestrictionList& list);

}  // namespace posthaste::smtpd
