// network.h — IP addresses and networks as values: parse, print, contain. RFC 4632, RFC 4291 2.2.
//
// Text forms are strict: no leading zeros, no short IPv4 forms. Nothing here resolves names.
#pragma once

#include "base/result.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthaste::address {

enum class Family : std::uint8_t { Ipv4, Ipv6 };

class IpAddress {
public:
    // "192.0.2.1" or "2001:db8::1"; nothing for any other text. No brackets, no zone.
    static std::optional<IpAddress> parse(std::string_view text);
    static IpAddress from_bytes(Family family, const std::uint8_t* bytes);

    [[nodiscard]] Family family() const { return family_; }
    [[nodiscard]] unsigned bits() const { return family_ == Family::Ipv4 ? 32 : 128; }
    // 4 or 16 bytes count, in network order.
    [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
    [[nodiscard]] std::string to_string() const;
    // The same address with all bits behind the prefix cleared.
    [[nodiscard]] IpAddress masked(unsigned prefix) const;

    friend bool operator==(const IpAddress&, const IpAddress&) = default;

private:
    std::array<std::uint8_t, 16> bytes_{};
    Family family_ = Family::Ipv4;
};

struct Network {
    IpAddress base;
    unsigned prefix = 32;

    [[nodiscard]] bool contains(const IpAddress& address) const;
    friend bool operator==(const Network&, const Network&) = default;
};

// "address" or "address/prefix", the address possibly in brackets: "[::1]/128", "[::1/128]", "10.0.0.0/8". Invalid
// when the text is no address, or when bits behind the prefix are set (the error suggests the right form).
Result<Network> parse_network(std::string_view text);

}  // namespace posthaste::address
