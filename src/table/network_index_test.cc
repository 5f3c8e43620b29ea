#include "table/network_index.h"

#include <gtest/gtest.h>
#include <optional>
#include <random>

using namespace posthaste::table;
using posthaste::address::Family;
using posthaste::address::IpAddress;
using posthaste::address::Network;

namespace {

// The rules one after the other, as cidr_table(5) describes it.
std::uint32_t one_by_one(const std::vector<NetworkRule>& rules, const IpAddress& subject)
{
    for (std::size_t i = 0; i < rules.size();) {
        const NetworkRule& rule = rules[i];
        const bool applies = rule.network.base.family() == subject.family() &&
                             rule.network.contains(subject) == (rule.polarity == Polarity::Positive);
        if (rule.kind == RuleKind::Match && applies)
            return static_cast<std::uint32_t>(i);
        i = rule.kind == RuleKind::If && !applies ? rule.end : i + 1;
    }
    return NetworkIndex::no_rule;
}

// Addresses with few different bits, so that networks meet.
class Chance {
public:
    explicit Chance(unsigned seed) : random_(seed) {}
    unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }
    IpAddress address()
    {
        std::array<std::uint8_t, 16> bytes{};
        const Family family = below(4) == 0 ? Family::Ipv6 : Family::Ipv4;
        for (std::size_t i : {0U, 1U, 3U, 15U})
            bytes[i] = static_cast<std::uint8_t>(below(3) == 0 ? 255 : below(3));
        return IpAddress::from_bytes(family, bytes.data());
    }
    Network network()
    {
        const IpAddress any = address();
        const unsigned prefix = below(any.bits() + 1);
        return {.base = any.masked(prefix), .prefix = prefix};
    }
    std::vector<NetworkRule> rules()
    {
        std::vector<NetworkRule> list;
        std::vector<std::size_t> open;
        const unsigned count = 1 + below(12);
        for (unsigned i = 0; i < count; ++i) {
            if (!open.empty() && below(3) == 0) {
                list[open.back()].end = list.size();
                open.pop_back();
            }
            const bool block = below(4) == 0;
            list.push_back({.kind = block ? RuleKind::If : RuleKind::Match,
                            .polarity = below(4) == 0 ? Polarity::Negated : Polarity::Positive,
                            .network = network(),
                            .end = list.size() + 1});
            if (block)
                open.push_back(list.size() - 1);
        }
        for (std::size_t i : open)
            list[i].end = list.size();
        return list;
    }

private:
    std::mt19937 random_;
};

}  // namespace

TEST(network_index, answers_as_the_rules_do_one_by_one)
{
    for (unsigned seed = 0; seed < 2000; ++seed) {
        Chance chance(seed);
        const auto rules = chance.rules();
        const NetworkIndex index(rules);
        for (int i = 0; i < 50; ++i) {
            const IpAddress subject = i % 2 == 0 ? chance.address() : chance.network().base;
            ASSERT_EQ(index.first_match(subject), one_by_one(rules, subject)) << seed << " " << subject.to_string();
        }
        for (const NetworkRule& rule : rules)
            ASSERT_EQ(index.first_match(rule.network.base), one_by_one(rules, rule.network.base)) << seed;
    }
}

TEST(network_index, both_ends_of_the_address_space)
{
    const std::vector<NetworkRule> rules{{.network = posthaste::address::parse_network("255.255.255.255").value()},
                                         {.network = posthaste::address::parse_network("0.0.0.0/0").value()}};
    const NetworkIndex index(rules);
    EXPECT_EQ(index.first_match(*IpAddress::parse("255.255.255.255")), 0U);
    EXPECT_EQ(index.first_match(*IpAddress::parse("255.255.255.254")), 1U);
    EXPECT_EQ(index.first_match(*IpAddress::parse("0.0.0.0")), 1U);
    EXPECT_EQ(index.first_match(*IpAddress::parse("::")), NetworkIndex::no_rule);
}

TEST(network_index, without_rules_nothing_matches)
{
    EXPECT_EQ(NetworkIndex().first_match(*IpAddress::parse("192.0.2.1")), NetworkIndex::no_rule);
    EXPECT_EQ(NetworkIndex(std::vector<NetworkRule>()).first_match(*IpAddress::parse("192.0.2.1")),
              NetworkIndex::no_rule);
}
