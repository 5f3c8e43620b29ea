// wire.h — RDATA of the record types that mail needs, from bytes to values. RFC 1035 3.1, 3.3.9; RFC 2782.
//
// Pure functions. Names come uncompressed (libunbound expands them). A name that is not a host name (a label with
// other bytes than letters, digits, '-' and '_') is refused: it could end up in a log line or a command.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::dns {

// A domain name without the final dot; "." for the root. Invalid: not a name, not a host name, bytes left over.
Result<std::string> parse_name(std::string_view rdata);

struct MxRecord {
    std::uint16_t preference = 0;
    std::string host;  // "." : null MX (RFC 7505)
    friend bool operator==(const MxRecord&, const MxRecord&) = default;
};
Result<MxRecord> parse_mx(std::string_view rdata);

struct SrvRecord {
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
    std::uint16_t port = 0;
    std::string host;
    friend bool operator==(const SrvRecord&, const SrvRecord&) = default;
};
Result<SrvRecord> parse_srv(std::string_view rdata);

// The strings of a TXT record, joined (RFC 7208 3.3).
Result<std::string> parse_txt(std::string_view rdata);

}  // namespace posthaste::dns
