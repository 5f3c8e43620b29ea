// protocol.h — what smtpd (ETRN) and postqueue (-s) ask of the flush service, at public/flush: that the deferred mail
// for a site is tried now. The answer comes before the work is done: ETRN promises that queuing has started (RFC 1985).
//
// Postfix's own programs speak another protocol at that socket; the one-letter triggers of both arrive there, too.
#pragma once

#include "address/fold.h"
#include "address/hostname.h"
#include "ipc/connection.h"
#include "ipc/message.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::flush {

inline constexpr ipc::Protocol flush_protocol{"posthaste_flush", 1};

// A domain in ASCII without a dot at its end, or an address literal in brackets. What is none is refused by whoever
// takes the name from outside.
inline bool is_valid_site(std::string_view site)
{
    if (!address::is_ascii(site) || site.ends_with('.'))
        return false;
    return address::is_valid_hostname(site) || address::is_valid_address_literal(site);
}

enum class Subdomains : std::uint8_t { Without = 0, With = 1 };

struct Request {
    std::string site;
    Subdomains subdomains = Subdomains::Without;

    static constexpr auto fields =
        ipc::fields(ipc::field("site", &Request::site), ipc::field("subdomains", &Request::subdomains));
};

enum class Outcome : std::uint8_t {
    Started = 0,
    NotEligible = 1,  // not in fast_flush_domains
    Failed = 2,       // the list does not answer, or too many sites wait; logged
};

struct Reply {
    Outcome outcome = Outcome::Failed;

    static constexpr auto fields = ipc::fields(ipc::field("outcome", &Reply::outcome));
};

}  // namespace posthaste::flush
