// Files of cidr: tables (cidr_table(5)): no input may crash, and the index that answers lookups says what the rules say
// one after the other.
#include "address/network.h"
#include "table/network_index.h"
#include "table_file.h"

using namespace posthaste;

namespace {

// A file of rules without errors, blocks closed, from the bytes of the input: four a rule. Networks lie close together.
void check_index(std::string_view bytes)
{
    auto byte = [&bytes](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    std::vector<table::NetworkRule> rules;
    std::vector<std::size_t> open;
    for (; bytes.size() >= 4 && rules.size() < 50; bytes.remove_prefix(4)) {
        if ((byte(0) & 1) != 0 && !open.empty()) {
            rules[open.back()].end = rules.size();
            open.pop_back();
        }
        const bool ipv6 = (byte(0) & 2) != 0;
        const std::uint8_t address[16] = {byte(1), byte(2)};
        const auto base = address::IpAddress::from_bytes(ipv6 ? address::Family::Ipv6 : address::Family::Ipv4, address);
        const unsigned prefix = byte(3) % 17;
        rules.push_back({.kind = (byte(0) & 4) != 0 ? table::RuleKind::If : table::RuleKind::Match,
                         .polarity = (byte(0) & 8) != 0 ? table::Polarity::Negated : table::Polarity::Positive,
                         .network = {.base = base.masked(prefix), .prefix = prefix},
                         .end = rules.size() + 1});
        if (rules.back().kind == table::RuleKind::If)
            open.push_back(rules.size() - 1);
    }
    for (std::size_t i : open)
        rules[i].end = rules.size();
    const table::NetworkIndex index(rules);
    for (const table::NetworkRule& asked : rules) {
        std::uint32_t expected = table::NetworkIndex::no_rule;
        for (std::size_t i = 0; i < rules.size() && expected == table::NetworkIndex::no_rule;) {
            const table::NetworkRule& rule = rules[i];
            const bool applies =
                rule.network.base.family() == asked.network.base.family() &&
                rule.network.contains(asked.network.base) == (rule.polarity == table::Polarity::Positive);
            if (rule.kind == table::RuleKind::Match && applies)
                expected = static_cast<std::uint32_t>(i);
            i = rule.kind == table::RuleKind::If && !applies ? rule.end : i + 1;
        }
        if (index.first_match(asked.network.base) != expected)
            std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto network = address::parse_network(text); network && !network->contains(network->base))
        std::abort();
    const fuzz::Input input(text);
    if (!fuzz::answer_of("cidr", input.rules, input.key))
        std::abort();
    check_index(text);
    return 0;
}
