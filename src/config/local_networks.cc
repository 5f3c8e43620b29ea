// Interface addresses and masks from getifaddrs(3), cut down to networks.
#include "config/local_networks.h"

#include "base/text.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <bit>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ifaddrs.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <span>
#include <vector>

namespace posthaste::config {
namespace {

struct Network {
    int family = AF_UNSPEC;
    std::array<std::uint8_t, 16> bytes{};  // the first 4 for IPv4
    std::array<std::uint8_t, 16> mask{};
    bool loopback = false;

    [[nodiscard]] std::size_t size() const { return family == AF_INET ? 4 : 16; }
};

std::array<std::uint8_t, 16> address_bytes(const sockaddr* address)
{
    std::array<std::uint8_t, 16> bytes{};
    if (address != nullptr && address->sa_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, address, sizeof in);
        std::memcpy(bytes.data(), &in.sin_addr, 4);
    } else if (address != nullptr && address->sa_family == AF_INET6) {
        sockaddr_in6 in6{};
        std::memcpy(&in6, address, sizeof in6);
        std::memcpy(bytes.data(), &in6.sin6_addr, 16);
    }
    return bytes;
}

std::vector<Network> interface_networks()
{
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0)
        return {};
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, ::freeifaddrs);
    std::vector<Network> networks;
    for (const int family : {AF_INET, AF_INET6}) {
        for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
            if (entry->ifa_addr == nullptr || entry->ifa_netmask == nullptr || entry->ifa_addr->sa_family != family)
                continue;
            Network network{family, address_bytes(entry->ifa_addr), address_bytes(entry->ifa_netmask)};
            network.loopback = family == AF_INET ? network.bytes[0] == 127
                                                 : std::ranges::count(network.bytes, 0) == 15 && network.bytes[15] == 1;
            networks.push_back(network);
        }
    }
    return networks;
}

// The addresses that inet_interfaces names, beyond all and loopback-only.
std::vector<std::array<std::uint8_t, 16>> named_addresses(std::span<const std::string_view> names)
{
    std::vector<std::array<std::uint8_t, 16>> addresses;
    for (std::string_view name : names) {
        if (name.starts_with('[') && name.ends_with(']'))
            name = name.substr(1, name.size() - 2);
        addrinfo* list = nullptr;
        if (::getaddrinfo(std::string(name).c_str(), nullptr, nullptr, &list) != 0)
            continue;
        const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, ::freeaddrinfo);
        for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next)
            addresses.push_back(address_bytes(entry->ai_addr));
    }
    return addresses;
}

void keep_selected(std::vector<Network>& networks, std::string_view interfaces)
{
    const std::vector<std::string_view> names = split(interfaces, ", \t\r\n");
    if (std::ranges::find(names, "all") != names.end())
        return;
    if (std::ranges::find(names, "loopback-only") != names.end()) {
        std::erase_if(networks, [](const Network& network) { return !network.loopback; });
        return;
    }
    const auto wanted = named_addresses(names);
    std::erase_if(networks, [&](const Network& network) {
        return !network.loopback && std::ranges::find(wanted, network.bytes) == wanted.end();
    });
}

// How many leading bits name the network.
int prefix_length(const Network& network, std::string_view style)
{
    if (style != "subnet" && style != "class")
        return network.family == AF_INET ? 32 : 128;
    if (style == "class" && network.family == AF_INET)
        return network.bytes[0] < 128 ? 8 : (network.bytes[0] < 192 ? 16 : 24);
    int bits = 0;
    for (std::size_t i = 0; i < network.size(); ++i)
        bits += std::popcount(network.mask[i]);
    return bits;
}

std::string written(Network network, int prefix)
{
    for (std::size_t i = 0; i < network.size(); ++i) {
        const int kept = std::clamp(prefix - static_cast<int>(i) * 8, 0, 8);
        network.bytes[i] = static_cast<std::uint8_t>(network.bytes[i] & (0xff00U >> static_cast<unsigned>(kept)));
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(network.family, network.bytes.data(), text.data(), text.size());
    return network.family == AF_INET ? fmt::format("{}/{}", text.data(), prefix)
                                     : fmt::format("[{}]/{}", text.data(), prefix);
}

}  // namespace

std::string local_networks(const NetworkSelection& selection)
{
    const std::vector<std::string_view> protocols = split(selection.protocols, ", \t\r\n");
    const auto uses = [&](std::string_view protocol) {
        return std::ranges::find(protocols, "all") != protocols.end() ||
               std::ranges::find(protocols, protocol) != protocols.end();
    };
    std::vector<Network> networks = interface_networks();
    keep_selected(networks, selection.interfaces);
    std::vector<std::string> texts;
    for (const Network& network : networks) {
        if (!uses(network.family == AF_INET ? "ipv4" : "ipv6"))
            continue;
        std::string text = written(network, prefix_length(network, selection.style));
        if (std::ranges::find(texts, text) == texts.end())
            texts.push_back(std::move(text));
    }
    return fmt::format("{}", fmt::join(texts, " "));
}

}  // namespace posthaste::config
