// router.h — what trivial-rewrite(8) does, as a library: canonical forms, address classes, transport and nexthop.
//
// A Router is made from one configuration snapshot and keeps its lists parsed and its tables open (tables follow
// their files). Forms, classes and routes are those of the trivial-rewrite service that rewrite_service_name names,
// with the -o options of its line in master.cf and without those of the process; recipient checks are the process's
// own, as they are smtpd's in Postfix. Where all tables are local, an answer comes without suspending. An error means
// that a table could not answer: it is always temporary, and callers answer 4xx or defer; it is never "unknown".
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "net/task.h"
#include "routing/route.h"

#include <memory>
#include <string>
#include <string_view>

namespace posthaste::routing {

// What a process asks its router. Routing alone leaves the recipient tables closed until somebody asks for one.
enum class Purpose : std::uint8_t { Routing, RecipientChecks };

// Owned by the process (one a snapshot); used on the loop's thread; answers under way refer to it, so that the old one
// is kept until they are done when a reload makes another.
class Router {
public:
    // Tables that cannot be opened do not fail here: they make answers temporary errors. Invalid: a parameter value
    // that has no meaning (a list with an unbalanced brace, a transport without a name).
    static Result<std::unique_ptr<Router>> open(std::shared_ptr<const config::Config> config,
                                                Purpose purpose = Purpose::RecipientChecks);
    // For a trivial-rewrite service: its own configuration counts for everything.
    static Result<std::unique_ptr<Router>> open_as_service(std::shared_ptr<const config::Config> config);
    ~Router();

    // Where mail from sender to recipient goes. Both are in internal form, as in the envelope; the empty recipient is
    // empty_address_recipient.
    Task<Result<Route>> resolve(std::string sender, std::string recipient);

    // The class of a domain: "example.com", "[192.0.2.1]", "[ipv6:::1]". Warns once of a domain in two classes.
    Task<Result<AddressClass>> class_of(std::string domain);

    // Whether the recipient exists, as smtpd_reject_unlisted_recipient and reject_unlisted_recipient ask: canonical and
    // virtual alias tables first, then the table of its class. An empty table list knows everybody. `address` is the
    // address as the client gave it, in internal form and with a domain; `route` is its resolve().
    Task<Result<RecipientStatus>> check_recipient(std::string address, Route route);
    // The same for the sender (reject_unlisted_sender).
    Task<Result<RecipientStatus>> check_sender(std::string address, Route route);

    // The canonical form of an address in internal form (unquoted local part): source routes stripped, swap_bangpath,
    // allow_percent_hack, append_at_myorigin, append_dot_mydomain, a dot at the end of the domain removed.
    [[nodiscard]] std::string canonical_form(std::string_view address, RewriteContext context) const;
    // The same for an address as it stands in a header (quoted local part), which is also how it is returned.
    [[nodiscard]] std::string canonical_external_form(std::string_view address, RewriteContext context) const;

    // What forms, classes and routes go by.
    [[nodiscard]] const std::shared_ptr<const config::Config>& rewriting() const;

    struct Impl;

private:
    explicit Router(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace posthaste::routing
