// rule_list.h — the shape that cidr, pcre and regexp tables share: rules in order, the first match wins, if/endif
// blocks nest. What a pattern is, and how it is written, is the table type's business (the template parameter).
//
// For first_match() Pattern must have bool matches(const Subject&, Captures&) const, where Captures remembers what the
// result text may refer to.
#pragma once

#include "table/pattern_filter.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace posthaste::table {

enum class RuleKind : std::uint8_t { Match, If, Endif };
enum class Polarity : std::uint8_t { Positive, Negated };

template<class Pattern>
class RuleList {
public:
    struct Rule {
        RuleKind kind = RuleKind::Match;
        Polarity polarity = Polarity::Positive;
        Pattern pattern;
        std::string result;    // Match: the text, or its template
        std::size_t end = 0;   // If: the position behind its endif
        std::size_t line = 0;  // where it was written
    };

    void add(Rule rule)
    {
        if (rule.kind == RuleKind::If)
            open_blocks_.push_back(rules_.size());
        rules_.push_back(std::move(rule));
        rules_.back().end = rules_.size();
    }
    // Closes the innermost block; false if none is open.
    bool close_block()
    {
        if (open_blocks_.empty())
            return false;
        rules_[open_blocks_.back()].end = rules_.size();
        open_blocks_.pop_back();
        return true;
    }
    // Ends the list: blocks that are still open end here. Returns the lines where they began.
    std::vector<std::size_t> finish()
    {
        std::vector<std::size_t> lines;
        while (!open_blocks_.empty()) {
            lines.push_back(rules_[open_blocks_.back()].line);
            close_block();
        }
        always_visited_.resize(rules_.size());
        for (std::size_t i = 0; i < rules_.size(); ++i)
            if (rules_[i].kind == RuleKind::If || rules_[i].polarity == Polarity::Negated)
                always_visited_.insert(i);
        return lines;
    }

    [[nodiscard]] const std::vector<Rule>& rules() const { return rules_; }

    // The first rule that applies to the subject, or nullptr. Rules that are not `possible` do not match it. The list
    // is finished.
    template<class Subject, class Captures>
    const Rule* first_match(const Subject& subject, Captures& captures, const PositionSet& possible) const
    {
        std::size_t position = 0;
        while ((position = PositionSet::next_in_either(possible, always_visited_, position)) < rules_.size()) {
            const Rule& rule = rules_[position];
            const bool matches = possible.contains(position) && rule.pattern.matches(subject, captures);
            const bool applies = matches == (rule.polarity == Polarity::Positive);
            if (rule.kind == RuleKind::Match && applies)
                return &rule;
            position = rule.kind == RuleKind::If && !applies ? rule.end : position + 1;
        }
        return nullptr;
    }

private:
    std::vector<Rule> rules_;
    std::vector<std::size_t> open_blocks_;
    PositionSet always_visited_;  // those that do something although they do not match
};

}  // namespace posthaste::table
