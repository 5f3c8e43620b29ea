// regex_table.h — what pcre: and regexp: tables share: the rule syntax of pcre_table(5) and regexp_table(5), $number
// substitution, and the table itself. The expression engine is the template parameter:
//
//     static constexpr std::string_view type;
//     static constexpr std::string_view unfinished;           // what a rule without closing delimiter is told
//     using Options = ...;                                    // default-constructed: the manual's defaults
//     static Result<void> toggle(char flag, Options&);
//     static Result<Engine> compile(std::string_view expression, Options);
//     static std::vector<std::string> required(std::string_view expression, Options);   // required_literals.h
//     std::size_t groups() const;                             // capturing groups
//     bool matches(std::string_view subject, Captures&) const;
//     struct Captures { std::string_view group(std::size_t) const; std::string error; };
//
// Rules with errors are reported and left out. Rules are tried against the whole key, those that cannot match left out
// (pattern_filter.h).
#pragma once

#include "base/text.h"
#include "table/followed_content.h"
#include "table/pattern_filter.h"
#include "table/required_literals.h"
#include "table/rule_list.h"
#include "table/text_source.h"

#include <fmt/format.h>
#include <optional>

namespace posthaste::table {

// A result text with $1, ${1}, $(1) and $$, cut into pieces.
class ResultTemplate {
public:
    // Invalid: a name that is no number, or a number that the expression has no group for.
    static Result<ResultTemplate> parse(std::string_view text, std::size_t groups);
    [[nodiscard]] bool uses_groups() const { return uses_groups_; }

    template<class Captures>
    [[nodiscard]] std::string expand(const Captures& captures) const
    {
        std::string result;
        for (const Piece& piece : pieces_) {
            result += piece.literal;
            if (piece.group != 0)
                result += captures.group(piece.group);
        }
        return result;
    }

private:
    struct Piece {
        std::string literal;
        std::size_t group = 0;  // appended behind the literal; 0: none
    };
    std::vector<Piece> pieces_;
    bool uses_groups_ = false;
};

// One rule line, cut up but not compiled.
struct RegexRuleLine {
    RuleKind kind = RuleKind::Match;
    Polarity polarity = Polarity::Positive;
    std::string_view expression;
    std::string_view flags;
    std::string_view result;
};
// Invalid, with the manual's words, when it is no rule.
Result<RegexRuleLine> split_regex_rule(std::string_view line, std::string_view unfinished);

// For ResultTemplate::parse: every number is good.
constexpr std::size_t any_group = static_cast<std::size_t>(-1);

template<class Engine>
struct RegexPattern {
    std::optional<Engine> engine;
    ResultTemplate result;
    std::vector<std::string> required;  // texts of which one must be in the subject
    bool matches(std::string_view subject, typename Engine::Captures& captures) const
    {
        return engine->matches(subject, captures);
    }
};

template<class Engine>
using RegexRules = RuleList<RegexPattern<Engine>>;

template<class Engine>
struct FilteredRegexRules {
    RegexRules<Engine> list;
    PatternFilter filter;
};

template<class Engine>
Result<void> parse_regex_rule(std::string_view text, std::size_t line_number, Substitutions substitutions,
                              RegexRules<Engine>& rules, const std::function<void(std::string_view)>& report)
{
    TRY(RegexRuleLine line, split_regex_rule(text, Engine::unfinished));
    if (line.kind == RuleKind::Endif)
        return rules.close_block() ? Result<void>() : fail(ErrorKind::Invalid, "ignoring ENDIF without matching IF");
    typename Engine::Options options{};
    for (char flag : line.flags)
        TRY(Engine::toggle(flag, options));
    TRY(Engine engine, Engine::compile(line.expression, options));
    RegexPattern<Engine> pattern;
    if (line.kind == RuleKind::Match) {
        const bool negated = line.polarity == Polarity::Negated;
        TRY(pattern.result, ResultTemplate::parse(line.result, negated ? any_group : engine.groups()));
        if (negated && pattern.result.uses_groups())
            return fail(ErrorKind::Invalid, "$number found in negative match replacement text: skipping this rule");
        if (substitutions == Substitutions::Refused && pattern.result.uses_groups())
            return fail(ErrorKind::Invalid, "regular expression substitution is not allowed: skipping this rule");
        if (line.result.empty())
            report("no replacement text: using empty string");
    }
    pattern.required = Engine::required(line.expression, options);
    pattern.engine.emplace(std::move(engine));
    rules.add({.kind = line.kind, .polarity = line.polarity, .pattern = std::move(pattern), .line = line_number});
    return {};
}

template<class Engine>
Result<FilteredRegexRules<Engine>> read_regex_rules(const OpenRequest& request)
{
    TRY(RuleText source, read_rules(request.type, request.name));
    RegexRules<Engine> rules;
    LogicalLines lines(source.text);
    LogicalLine line;
    auto report = [&](std::string_view text) {
        warn(request.options, fmt::format("{} map {}, line {}: {}", Engine::type, source.where, line.first_line, text));
    };
    while (lines.next(line))
        if (auto parsed = parse_regex_rule<Engine>(trim(line.text), line.first_line, request.options.substitutions,
                                                   rules, report);
            !parsed)
            report(parsed.error().text());
    for (std::size_t opened : rules.finish()) {
        line.first_line = opened;
        report("IF has no matching ENDIF");
    }
    std::vector<std::vector<std::string>> required;
    for (const auto& rule : rules.rules())
        required.push_back(rule.pattern.required);
    return FilteredRegexRules<Engine>{.list = std::move(rules), .filter = PatternFilter(required)};
}

template<class Engine>
class RegexTable final : public Table {
public:
    RegexTable(std::string full, FollowedContent<FilteredRegexRules<Engine>> rules)
        : Table(std::move(full)), rules_(std::move(rules))
    {
    }

    Lookup lookup(std::string_view key) override
    {
        FilteredRegexRules<Engine>& rules = rules_.get();
        captures_.error.clear();
        const auto* rule = rules.list.first_match(key, captures_, rules.filter.possible(key));
        if (!captures_.error.empty())
            return Answer(fail(ErrorKind::Temporary, fmt::format("{}: {}", name(), captures_.error)));
        return rule == nullptr ? not_found() : found(rule->pattern.result.expand(captures_));
    }
    TableFlags flags() const override { return {.match = KeyMatch::Pattern, .folds_case = false}; }
    std::optional<uid_t> owner() const override { return rules_.owner(); }
    Result<void> reopen_if_changed() override { return rules_.reread_if_changed(); }

private:
    FollowedContent<FilteredRegexRules<Engine>> rules_;
    typename Engine::Captures captures_;  // kept for its memory
};

template<class Engine>
Opened open_regex(const OpenRequest& request)
{
    TRY(auto rules, FollowedContent<FilteredRegexRules<Engine>>::open(request, read_regex_rules<Engine>));
    return std::make_unique<RegexTable<Engine>>(request.full, std::move(rules));
}

}  // namespace posthaste::table
