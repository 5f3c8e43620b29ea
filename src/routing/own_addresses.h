// own_addresses.h — the addresses that mean this machine: postconf(5) inet_interfaces and proxy_interfaces.
#pragma once

#include "base/result.h"
#include "net/endpoint.h"

#include <string_view>
#include <vector>

namespace posthaste::routing {

// `inet_interfaces` is "all", "loopback-only", or a list of names and addresses; `proxy_interfaces` such a list. Names
// are resolved with the system's resolver, once, at open: a name that is not found contributes nothing and is warned
// of. Does not change afterwards.
class OwnAddresses {
public:
    static Result<OwnAddresses> open(std::string_view inet_interfaces, std::string_view proxy_interfaces);

    // "192.0.2.1", "[192.0.2.1]", "[IPv6:2001:db8::1]".
    [[nodiscard]] bool contains(std::string_view literal) const;

private:
    Result<void> add_listed(std::string_view list);

    std::vector<net::Endpoint> addresses_;
};

}  // namespace posthaste::routing
