// Points in time as mail headers show them.
#pragma once

#include <cstdint>
#include <string>

namespace posthaste::intake {

// "Sat, 21 Nov 2026 02:38:47 +0100 (CET)", in the time zone of the process. RFC 5322 3.3.
std::string mail_date(std::int64_t seconds_since_epoch);
// "20261121013847", in UTC: the first part of a message id.
std::string compact_date(std::int64_t seconds_since_epoch);

}  // namespace posthaste::intake
