// network_index.cc — see network_index.h.
#include "table/network_index.h"

#include <algorithm>
#include <optional>
#include <set>

namespace posthaste::table {

namespace {

// The rules that apply at one place of the address space while a sweep crosses it. A rule is blocked by its own network
// and by each if around it that does not apply here.
class Sweep {
public:
    Sweep(std::span<const NetworkRule> rules, address::Family family) : rules_(rules), blocked_(rules.size(), 0)
    {
        // Before the sweep has entered any network negated rules apply, and no others; those of the other family never.
        for (std::size_t i = 0; i < rules_.size(); ++i)
            if (rules_[i].polarity == Polarity::Positive || rules_[i].network.base.family() != family)
                change(i, +1);
        for (std::size_t i = 0; i < rules_.size(); ++i)
            note(i);
    }

    // The edge of this rule's network is crossed.
    void enter(std::size_t rule) { turn(rule, rules_[rule].polarity == Polarity::Positive ? -1 : +1); }
    void leave(std::size_t rule) { turn(rule, rules_[rule].polarity == Polarity::Positive ? +1 : -1); }

    std::uint32_t first() const { return applying_.empty() ? NetworkIndex::no_rule : *applying_.begin(); }

private:
    std::size_t end_of(std::size_t rule) const
    {
        return rules_[rule].kind == RuleKind::If ? rules_[rule].end : rule + 1;
    }
    void change(std::size_t rule, int by)
    {
        for (std::size_t i = rule; i < end_of(rule); ++i)
            blocked_[i] += by;
    }
    void turn(std::size_t rule, int by)
    {
        change(rule, by);
        for (std::size_t i = rule; i < end_of(rule); ++i)
            note(i);
    }
    void note(std::size_t rule)
    {
        if (rules_[rule].kind != RuleKind::Match)
            return;
        if (blocked_[rule] == 0)
            applying_.insert(static_cast<std::uint32_t>(rule));
        else
            applying_.erase(static_cast<std::uint32_t>(rule));
    }

    std::span<const NetworkRule> rules_;
    std::vector<int> blocked_;
    std::set<std::uint32_t> applying_;
};

// The first address behind the network; none if it is the last of all.
std::optional<address::IpAddress> behind(const address::Network& network)
{
    std::array<std::uint8_t, 16> bytes = network.base.bytes();
    unsigned bit = network.prefix;
    while (bit > 0) {
        --bit;
        const auto mask = static_cast<std::uint8_t>(0x80U >> bit % 8);
        bytes[bit / 8] ^= mask;
        if ((bytes[bit / 8] & mask) != 0)
            return address::IpAddress::from_bytes(network.base.family(), bytes.data());
    }
    return std::nullopt;
}

}  // namespace

NetworkIndex::Key NetworkIndex::key_of(const address::IpAddress& address)
{
    Key key;
    for (std::size_t i = 0; i < 8; ++i) {
        key.first = key.first << 8U | address.bytes()[i];
        key.second = key.second << 8U | address.bytes()[i + 8];
    }
    return key;
}

NetworkIndex::NetworkIndex(std::span<const NetworkRule> rules)
    : ipv4_(ranges_of(rules, address::Family::Ipv4)), ipv6_(ranges_of(rules, address::Family::Ipv6))
{
}

NetworkIndex::Ranges NetworkIndex::ranges_of(std::span<const NetworkRule> rules, address::Family family)
{
    struct Edge {
        Key place;
        std::uint32_t rule;
        bool enters;
    };
    std::vector<Edge> edges;
    for (std::uint32_t i = 0; i < rules.size(); ++i) {
        const address::Network& network = rules[i].network;
        if (network.base.family() != family)
            continue;
        edges.push_back({.place = key_of(network.base), .rule = i, .enters = true});
        if (auto next = behind(network))
            edges.push_back({.place = key_of(*next), .rule = i, .enters = false});
    }
    std::ranges::sort(edges, {}, &Edge::place);

    Ranges ranges;
    Sweep sweep(rules, family);
    auto edge = edges.begin();
    for (Key place;; place = edge->place) {
        for (; edge != edges.end() && edge->place == place; ++edge)
            edge->enters ? sweep.enter(edge->rule) : sweep.leave(edge->rule);
        if (ranges.rules.empty() || ranges.rules.back() != sweep.first()) {
            ranges.begins.push_back(place);
            ranges.rules.push_back(sweep.first());
        }
        if (edge == edges.end())
            return ranges;
    }
}

std::uint32_t NetworkIndex::first_match(const address::IpAddress& subject) const
{
    const Ranges& ranges = subject.family() == address::Family::Ipv4 ? ipv4_ : ipv6_;
    auto behind_it = std::ranges::upper_bound(ranges.begins, key_of(subject));
    if (behind_it == ranges.begins.begin())
        return no_rule;
    return ranges.rules[static_cast<std::size_t>(behind_it - ranges.begins.begin()) - 1];
}

}  // namespace posthaste::table
