// canonical.h — completing and normalising one address, as ADDRESS_REWRITING_README describes it ("rewrite to
// standard form"). Pure functions over the external form of an address, in which a quoted local part hides its
// special characters.
#pragma once

#include <string>
#include <string_view>

namespace posthaste::routing {

// What a rewriting context says (postconf(5) myorigin, mydomain, append_at_myorigin, append_dot_mydomain,
// swap_bangpath, allow_percent_hack).
struct RewriteRules {
    std::string origin;  // for addresses without a domain; empty: they stay as they are
    std::string domain;  // for domains without a dot, without a dot of its own; empty: they stay as they are
    bool swap_bangpath = true;
    bool percent_hack = true;
};

// @a,@b:user@site -> user@site; site!user -> user@site; user%site -> user@site; user -> user@origin;
// user@host -> user@host.domain; user@site. -> user@site. The empty address stays empty.
std::string rewrite_to_standard_form(std::string_view external_address, const RewriteRules& rules);

// @a,@b:user@site -> user@site (RFC 5321 4.1.2 A-d-l: the route is ignored); any other address as it is.
std::string_view without_source_route(std::string_view address);

// The position of the last `wanted` outside of quotes and domain literals; npos if there is none.
std::size_t find_last_unquoted(std::string_view external_address, char wanted);
std::size_t find_first_unquoted(std::string_view external_address, char wanted);

// Whether the domain is a host name (RFC 1123 2.1, with '_' and bytes above 0x7f allowed, labels of 63 bytes, 255
// in all, not only digits), or an address literal.
bool is_valid_domain(std::string_view domain);

}  // namespace posthaste::routing
