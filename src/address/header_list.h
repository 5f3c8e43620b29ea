// header_list.h — the addresses in a header: To:, Cc:, From: ... RFC 5322 3.4 with the obsolete syntax of 4.4.
//
// Used by `sendmail -t` (recipients) and header rewriting. Groups, comments, display names, quoted strings, source
// routes and folded lines are understood. Each address comes with the place of its addr-spec in the text, so that
// rewriting replaces exactly those bytes and nothing else. A pure function with a bound on tokens (postconf(5)
// header_address_token_limit).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::address {

constexpr std::size_t default_token_limit = 10240;

struct ListedAddress {
    std::string address;    // internal form; empty when invalid or for "<>"
    std::size_t begin = 0;  // the addr-spec (or the invalid text) in the header's value
    std::size_t end = 0;
    std::size_t route_begin = 0;  // where a source route before it begins; else as begin
    bool without_comma = false;   // it follows the address before it with nothing but white space between them
    bool valid = false;
    bool in_brackets = false;
    bool has_domain = false;
};

struct AddressList {
    std::vector<ListedAddress> addresses;
    bool truncated = false;  // the token limit was reached: what follows is not in the list
};

// `value` is what follows the header's colon, line breaks included.
AddressList parse_address_list(std::string_view value, std::size_t token_limit = default_token_limit);

}  // namespace posthaste::address
