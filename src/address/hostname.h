// hostname.h — is a text a host name, an address literal? RFC 1035 2.3.1, RFC 5321 4.1.3, RFC 5890 for 8-bit names.
#pragma once

#include <string>
#include <string_view>

namespace posthaste::address {

constexpr std::size_t max_hostname = 255;
constexpr std::size_t max_label = 63;

// Letters, digits, hyphens and underscores in labels of 63 bytes, 255 in all; not all numeric, no hyphen at the ends
// of a label, no empty label except after a trailing dot. UTF-8 labels count as letters.
bool is_valid_hostname(std::string_view name);
// "[192.0.2.1]" or "[IPv6:2001:db8::1]" (the tag in any case), with the brackets.
bool is_valid_address_literal(std::string_view text);
// The address inside a valid literal; empty when it is none.
std::string_view address_of_literal(std::string_view text);

}  // namespace posthaste::address
