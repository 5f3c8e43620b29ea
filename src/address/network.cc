// network.cc — see network.h.
#include "address/network.h"

#include "base/text.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <fmt/format.h>

namespace posthaste::address {

std::optional<IpAddress> IpAddress::parse(std::string_view text)
{
    char buffer[INET6_ADDRSTRLEN + 1];
    if (text.empty() || text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    std::memcpy(buffer, text.data(), text.size());
    buffer[text.size()] = '\0';
    IpAddress result;
    result.family_ = text.find(':') == std::string_view::npos ? Family::Ipv4 : Family::Ipv6;
    if (inet_pton(result.family_ == Family::Ipv4 ? AF_INET : AF_INET6, buffer, result.bytes_.data()) != 1)
        return std::nullopt;
    return result;
}

IpAddress IpAddress::from_bytes(Family family, const std::uint8_t* bytes)
{
    IpAddress result;
    result.family_ = family;
    std::copy_n(bytes, family == Family::Ipv4 ? 4 : 16, result.bytes_.begin());
    return result;
}

std::string IpAddress::to_string() const
{
    char buffer[INET6_ADDRSTRLEN];
    inet_ntop(family_ == Family::Ipv4 ? AF_INET : AF_INET6, bytes_.data(), buffer, sizeof buffer);
    return buffer;
}

IpAddress IpAddress::masked(unsigned prefix) const
{
    IpAddress result = *this;
    for (unsigned i = 0; i < bits() / 8; ++i) {
        unsigned kept = prefix > i * 8 ? std::min(prefix - i * 8, 8U) : 0;
        result.bytes_[i] &= static_cast<std::uint8_t>(0xff00U >> kept);
    }
    return result;
}

bool Network::contains(const IpAddress& address) const
{
    return address.family() == base.family() && address.masked(prefix) == base;
}

Result<Network> parse_network(std::string_view text)
{
    auto bad = [&] { return fail(ErrorKind::Invalid, fmt::format("bad address pattern: \"{}\"", printable(text))); };
    auto bad_part = [&](std::string_view part) {
        return fail(ErrorKind::Invalid, fmt::format("bad {} in \"{}\"", part, printable(text)));
    };
    std::string_view rest = text;
    std::string_view prefix_text;
    bool has_prefix = false;
    auto take_prefix = [&] {
        if (std::size_t slash = rest.find('/'); !has_prefix && slash != std::string_view::npos) {
            prefix_text = rest.substr(slash + 1);
            rest = rest.substr(0, slash);
            has_prefix = true;
        }
    };
    if (rest.starts_with('[')) {
        std::size_t close = rest.find(']');
        if (close == std::string_view::npos)
            return bad();
        std::string_view behind = rest.substr(close + 1);
        if (!behind.empty() && !behind.starts_with('/'))
            return bad();
        if (!behind.empty()) {
            prefix_text = behind.substr(1);
            has_prefix = true;
        }
        rest = rest.substr(1, close - 1);
    }
    take_prefix();
    auto prefix = parse_number<unsigned>(prefix_text);
    if (has_prefix && !prefix)
        return bad_part("mask value");
    auto base = IpAddress::parse(rest);
    if (!base)
        return has_prefix ? bad_part("network value") : bad();
    Network network{.base = *base, .prefix = base->bits()};
    if (!has_prefix)
        return network;
    if (*prefix > base->bits())
        return bad_part("mask length");
    network.prefix = *prefix;
    if (base->masked(*prefix) != *base)
        return fail(ErrorKind::Invalid,
                    fmt::format("non-null host address bits in \"{}\", perhaps you should use \"{}/{}\" instead",
                                printable(text), base->masked(*prefix).to_string(), *prefix));
    return network;
}

}  // namespace posthaste::address
