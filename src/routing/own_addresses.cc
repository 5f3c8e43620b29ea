// own_addresses.cc — see own_addresses.h.
#include "routing/own_addresses.h"

#include "base/text.h"
#include "log/log.h"

#include <algorithm>
#include <memory>
#include <netdb.h>
#include <string>

namespace posthaste::routing {

namespace {

bool is_loopback(const net::Endpoint& endpoint)
{
    std::string_view bytes = endpoint.bytes();
    if (bytes.size() == 4)
        return bytes[0] == 127;
    return endpoint.address() == "::1";
}

}  // namespace

Result<OwnAddresses> OwnAddresses::open(std::string_view inet_interfaces, std::string_view proxy_interfaces)
{
    OwnAddresses own;
    std::string_view style = trim(inet_interfaces);
    if (style == "all" || style == "loopback-only") {
        TRY(std::vector<net::InterfaceAddress> interfaces, net::interface_addresses());
        for (const net::InterfaceAddress& interface : interfaces)
            if (style == "all" || is_loopback(interface.address))
                own.addresses_.push_back(interface.address);
    } else {
        TRY(own.add_listed(style));
    }
    TRY(own.add_listed(proxy_interfaces));
    return own;
}

Result<void> OwnAddresses::add_listed(std::string_view list)
{
    for (std::string_view item : split(list, ", \t\r\n")) {
        if (auto numeric = net::Endpoint::ip(item, 0)) {
            addresses_.push_back(*numeric);
            continue;
        }
        addrinfo hints{};
        hints.ai_socktype = SOCK_STREAM;
        addrinfo* found = nullptr;
        int status = ::getaddrinfo(std::string(item).c_str(), nullptr, &hints, &found);
        std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
        if (status != 0) {
            log::warning("host not found: {}: {}", item, ::gai_strerror(status));
            continue;
        }
        for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next)
            addresses_.emplace_back(entry->ai_addr, entry->ai_addrlen);
    }
    return {};
}

bool OwnAddresses::contains(std::string_view literal) const
{
    auto wanted = net::Endpoint::ip(literal, 0);
    return wanted &&
           std::ranges::any_of(addresses_, [&](const net::Endpoint& own) { return own.bytes() == wanted->bytes(); });
}

}  // namespace posthaste::routing
