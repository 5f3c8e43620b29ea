// Typed handles of main.cf parameters.
//
// declare/parameters/<area>.toml makes the handles themselves, in param/<area>.h; Config::get() takes them. A handle
// is a slot number in every snapshot: reading a parameter is one array access.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace posthaste::config {

template<class T>
struct Parameter {
    using value_type = T;

    std::uint16_t slot;
    std::uint16_t lmtp_slot;  // the slot of the lmtp_ mirror, or the same slot if there is none

    // The handle that an LMTP client reads instead: lmtp_connect_timeout for smtp_connect_timeout.
    [[nodiscard]] constexpr Parameter lmtp() const { return {lmtp_slot, lmtp_slot}; }
};

using StringParameter = Parameter<std::string>;  // also for raw parameters, whose $names stay as they are written
using IntParameter = Parameter<int>;
using LongParameter = Parameter<std::int64_t>;
using BoolParameter = Parameter<bool>;
using TimeParameter = Parameter<std::chrono::seconds>;

// <service>_<suffix>: the value for one service of master.cf, else that of the fallback parameter.
template<class P>
struct Family {
    P fallback;
    std::uint16_t index;
};

}  // namespace posthaste::config
