// protocols.h — which protocol versions may be used: postconf(5) smtpd_tls_protocols and its like.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string_view>

namespace posthaste::tls {

// As OpenSSL wants it.
struct Protocols {
    int lowest = 0;              // 0: no bound; else 0x0301 (TLSv1) to 0x0304 (TLSv1.3), 0x0300 for SSLv3
    int highest = 0;             // 0: no bound
    std::uint64_t disabled = 0;  // SSL_OP_NO_...: versions between the bounds that are left out
};

// "!SSLv2, !SSLv3", "TLSv1.2 TLSv1.3", ">=TLSv1.2", "<=TLSv1.3", ">=0303": separated by white space, commas, colons.
// Words with ! are left out; if words without it are there, only those are used. Empty: all. SSLv2 is known, and never
// used. Invalid: the text names the word.
Result<Protocols> parse_protocols(std::string_view text);
// Whether a version of TLS is left.
bool leaves_some(const Protocols& protocols);

}  // namespace posthaste::tls
