// path.h — the argument of MAIL FROM: and RCPT TO:. RFC 5321 4.1.1.2, 4.1.1.3, 4.1.2; postconf(5)
// strict_rfc821_envelopes.
//
// A pure function from bytes to the address and what follows it (the ESMTP parameters). The result is in internal
// form (address/local_part.h); source routes are dropped as RFC 5321 appendix C asks. Limit: max_path_size bytes.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::address {

constexpr std::size_t max_path_size = 2048;

enum class PathSyntax : std::uint8_t {
    Lenient,  // angle brackets may be missing, comments and display names are dropped (RFC 822 style)
    Strict,   // <path> exactly, a dot-string or quoted local part, a host name or address literal
};

struct ParsedPath {
    std::string address;    // internal form; empty for the null path <>
    std::string_view rest;  // what follows the path, without leading white space; points into the input
    bool has_domain = false;
    bool in_brackets = true;
};

// `text` starts behind "FROM:" or "TO:". Invalid, with a short reason, when it is no path; Limit when too long.
Result<ParsedPath> parse_path(std::string_view text, PathSyntax syntax = PathSyntax::Lenient);

}  // namespace posthaste::address
