// network_index.h — which of many network rules is the first that applies to an address: one binary search, however
// many rules there are.
//
// The first match is a function of the address that changes only where a network begins or ends. So the address space
// is cut into ranges, each with its answer; n networks make 2n + 1 ranges at most. if/endif and negation are worked out
// while the ranges are made, by one sweep over the address space: O(n log n), and for if blocks the size of the block
// twice. A range takes 20 bytes.
#pragma once

#include "address/network.h"
#include "table/rule_list.h"

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace posthaste::table {

// What the index needs to know of a rule; positions are those in the list.
struct NetworkRule {
    RuleKind kind = RuleKind::Match;
    Polarity polarity = Polarity::Positive;
    address::Network network;
    std::size_t end = 0;  // If: the position behind its endif
};

// Immutable.
class NetworkIndex {
public:
    static constexpr std::uint32_t no_rule = 0xffffffff;

    NetworkIndex() = default;
    // Less than no_rule rules. A rule about IPv4 says nothing about an IPv6 address, not even when it is negated.
    explicit NetworkIndex(std::span<const NetworkRule> rules);

    // The position of the first rule that applies, or no_rule.
    [[nodiscard]] std::uint32_t first_match(const address::IpAddress& subject) const;

private:
    using Key = std::pair<std::uint64_t, std::uint64_t>;  // an address as a number
    struct Ranges {
        std::vector<Key> begins;  // ascending; the first is 0
        std::vector<std::uint32_t> rules;
    };
    static Key key_of(const address::IpAddress& address);
    static Ranges ranges_of(std::span<const NetworkRule> rules, address::Family family);

    Ranges ipv4_;
    Ranges ipv6_;
};

}  // namespace posthaste::table
