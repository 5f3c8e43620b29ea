// cidr_table.cc — cidr_table(5): network patterns, first match wins. Rules with errors are reported and left out,
// as the manual's other table types do; a changed file is read again. A lookup takes the same time however many rules
// there are (network_index.h).
#include "address/network.h"
#include "base/text.h"
#include "table/followed_content.h"
#include "table/network_index.h"
#include "table/registry.h"
#include "table/rule_list.h"
#include "table/text_source.h"

#include <fmt/format.h>

namespace posthaste::table {

namespace {

using Rules = RuleList<address::Network>;

struct IndexedRules {
    Rules list;
    NetworkIndex index;
};

// True if the line begins with the word, in any case, as a word of its own.
bool takes_word(std::string_view& line, std::string_view word)
{
    if (!starts_with_ignoring_case(line, word) ||
        (line.size() > word.size() && !is_ascii_space(line[word.size()]) && line[word.size()] != '!'))
        return false;
    line = trim(line.substr(word.size()));
    return true;
}

// One logical line. The error is the reason why the rule is skipped.
Result<void> parse_rule(std::string_view line, std::size_t line_number, Rules& rules)
{
    if (takes_word(line, "endif"))
        return rules.close_block() ? Result<void>() : fail(ErrorKind::Invalid, "ENDIF without IF");
    Rules::Rule rule{.line = line_number};
    if (takes_word(line, "if"))
        rule.kind = RuleKind::If;
    if (line.starts_with('!')) {
        rule.polarity = Polarity::Negated;
        line = trim(line.substr(1));
    }
    std::size_t end = 0;
    while (end < line.size() && !is_ascii_space(line[end]))
        ++end;
    std::string_view pattern = line.substr(0, end);
    if (pattern.empty())
        return fail(ErrorKind::Invalid, "no address pattern");
    TRY(rule.pattern, address::parse_network(pattern));
    rule.result = trim(line.substr(end));
    if (rule.kind == RuleKind::Match && rule.result.empty())
        return fail(ErrorKind::Invalid, "no lookup result");
    rules.add(std::move(rule));
    return {};
}

Result<IndexedRules> read_rule_list(const OpenRequest& request)
{
    TRY(RuleText source, read_rules(request.type, request.name));
    Rules rules;
    LogicalLines lines(source.text);
    LogicalLine line;
    while (lines.next(line))
        if (auto parsed = parse_rule(trim(line.text), line.first_line, rules); !parsed)
            warn(request.options, fmt::format("cidr map {}, line {}: {}: skipping this rule", source.where,
                                              line.first_line, parsed.error().text()));
    for (std::size_t opened : rules.finish())
        warn(request.options, fmt::format("cidr map {}, line {}: IF has no matching ENDIF", source.where, opened));
    std::vector<NetworkRule> networks;
    for (const Rules::Rule& rule : rules.rules())
        networks.push_back({.kind = rule.kind, .polarity = rule.polarity, .network = rule.pattern, .end = rule.end});
    return IndexedRules{.list = std::move(rules), .index = NetworkIndex(networks)};
}

class CidrTable final : public Table {
public:
    CidrTable(std::string full, FollowedContent<IndexedRules> rules) : Table(std::move(full)), rules_(std::move(rules))
    {
    }

    Lookup lookup(std::string_view key) override
    {
        const IndexedRules& rules = rules_.get();
        auto subject = address::IpAddress::parse(key);
        if (!subject)
            return not_found();
        const std::uint32_t rule = rules.index.first_match(*subject);
        return rule == NetworkIndex::no_rule ? not_found() : found(rules.list.rules()[rule].result);
    }
    TableFlags flags() const override { return {.match = KeyMatch::Pattern, .folds_case = false}; }
    Result<void> reopen_if_changed() override { return rules_.reread_if_changed(); }

private:
    FollowedContent<IndexedRules> rules_;
};

}  // namespace

Opened open_cidr(const OpenRequest& request)
{
    TRY(auto rules, FollowedContent<IndexedRules>::open(request, read_rule_list));
    return std::make_unique<CidrTable>(request.full, std::move(rules));
}

}  // namespace posthaste::table
