// The argument of MAIL and RCPT: keyword, path, parameters. RFC 5321 4.1.2, RFC 6531 3.3.
//
// The address comes out in internal form: local part without quotes and backslashes, source route dropped (RFC 5321
// 4.1.1.3 says to ignore it). Leniency as Postfix has it: white space after the colon and inside the brackets, and,
// unless strict (postconf(5) strict_rfc821_envelopes), a path without brackets, and comments. Limits: the line's.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::smtp {

enum class PathFault : std::uint8_t {
    Usage,    // the keyword or the path is missing
    Address,  // there is something, but it is no path
};

enum class PathSyntax : std::uint8_t { Lenient, Strict };

struct PathArgument {
    std::string address;                       // internal form; empty for <>
    std::string_view path;                     // as it was written
    std::vector<std::string_view> parameters;  // the words after the path
};

// keyword: "FROM:" or "TO:". Address: unbalanced brackets or quotes, an impossible local part or domain.
std::expected<PathArgument, PathFault> parse_path_argument(std::string_view text, std::string_view keyword,
                                                           PathSyntax syntax);

// Whether text is the domain of a mailbox: labels of letters, digits, '-' and '_', at most 63 and 255 bytes, no '-' at
// the ends of a label, not only digits; or an address literal. One dot at the end is forgiven. Of a domain in UTF-8
// this must be true of its form in the DNS.
bool is_mailbox_domain(std::string_view text);
// The same without address literal, UTF-8 and dot at the end: what a host name may look like (RFC 1123 2.1).
bool is_host_name(std::string_view text);
// "[192.0.2.1]" or "[IPv6:2001:db8::1]".
bool is_address_literal(std::string_view text);

}  // namespace posthaste::smtp
