// unwrap.h — the steps by which mail for a local domain turns out to be for another one: user%remote@here,
// remote!user@here, "user@remote"@here (postconf(5) allow_percent_hack, swap_bangpath, resolve_dequoted_address).
// Pure functions over addresses in internal form.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthaste::routing {

struct UnwrapRules {
    bool swap_bangpath = true;
    bool percent_hack = true;
    bool dequoted_address = true;
};

// The address that the local part of a local domain holds, or nothing if it is a user's name.
std::optional<std::string> address_in_local_part(std::string_view local_part, const UnwrapRules& rules);

// "transport:nexthop", as default_transport, transport_maps and their like have it. Both parts may be empty.
struct TransportAndNexthop {
    std::string transport;
    std::string nexthop;
};
TransportAndNexthop parse_transport(std::string_view text);

}  // namespace posthaste::routing
