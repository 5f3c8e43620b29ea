// record_text.h — a record as one line, the way postconf(5) smtp_dns_reply_filter shows it to a table:
//
//     mx.example.com. 60 IN AAAA 2001:db8::1
//     example.com. 60 IN MX 10 mx.example.com.
//
// Pure function. Data that cannot be read, or is of a type without a usual form, stands as in RFC 3597 5 (\# 2 c0de).
#pragma once

#include "dns/resolver.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::dns {

// owner: with or without the final dot. ttl: seconds.
std::string record_text(std::string_view owner, std::uint32_t ttl, Type type, const std::string& rdata);

}  // namespace posthaste::dns
