// regex_table.cc — see regex_table.h.
#include "table/regex_table.h"

namespace posthaste::table {

namespace {

constexpr std::string_view bad_replacement = "bad replacement syntax: skipping this rule";

bool is_name_character(char c) { return is_ascii_alnum(c) || c == '_'; }

// The name behind a '$', and how many bytes it takes there. nullopt: no name, or an open bracket.
struct MacroName {
    std::string_view name;
    std::size_t length;
};
std::optional<MacroName> macro_name(std::string_view text)
{
    if (text.starts_with('{') || text.starts_with('(')) {
        std::size_t close = text.find(text.front() == '{' ? '}' : ')');
        if (close == std::string_view::npos || close == 1)
            return std::nullopt;
        return MacroName{.name = text.substr(1, close - 1), .length = close + 1};
    }
    std::size_t end = 0;
    while (end < text.size() && is_name_character(text[end]))
        ++end;
    if (end == 0)
        return std::nullopt;
    return MacroName{.name = text.substr(0, end), .length = end};
}

bool takes_keyword(std::string_view& line, std::string_view word)
{
    if (!starts_with_ignoring_case(line, word))
        return false;
    std::string_view behind = line.substr(word.size());
    if (!behind.empty() && is_ascii_alnum(behind.front()))
        return false;
    line = trim(behind);
    return true;
}

}  // namespace

Result<ResultTemplate> ResultTemplate::parse(std::string_view text, std::size_t groups)
{
    ResultTemplate result;
    Piece piece;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '$') {
            piece.literal += text[i];
            continue;
        }
        if (text.substr(i + 1).starts_with('$')) {
            piece.literal += '$';
            ++i;
            continue;
        }
        auto macro = macro_name(text.substr(i + 1));
        if (!macro)
            return fail(ErrorKind::Invalid, std::string(bad_replacement));
        auto number = parse_number<std::size_t>(macro->name);
        if (!number)
            return fail(ErrorKind::Invalid,
                        fmt::format("non-numeric replacement index \"{}\": skipping this rule", macro->name));
        if (*number == 0 || *number > groups)
            return fail(ErrorKind::Invalid,
                        fmt::format("out of range replacement index \"{}\": skipping this rule", macro->name));
        piece.group = *number;
        result.uses_groups_ = true;
        result.pieces_.push_back(std::move(piece));
        piece = {};
        i += macro->length;
    }
    if (!piece.literal.empty())
        result.pieces_.push_back(std::move(piece));
    return result;
}

Result<RegexRuleLine> split_regex_rule(std::string_view line, std::string_view unfinished)
{
    RegexRuleLine rule;
    if (takes_keyword(line, "endif")) {
        rule.kind = RuleKind::Endif;
        return rule;
    }
    if (takes_keyword(line, "if"))
        rule.kind = RuleKind::If;
    if (line.starts_with('!')) {
        rule.polarity = Polarity::Negated;
        line = trim(line.substr(1));
    }
    if (line.empty() || is_ascii_alnum(line.front()))
        return fail(ErrorKind::Invalid, "ignoring unrecognized request");
    const char delimiter = line.front();
    std::size_t close = 1;
    while (close < line.size() && line[close] != delimiter)
        close += line[close] == '\\' ? 2 : 1;
    if (close >= line.size())
        return fail(ErrorKind::Invalid, fmt::format("no closing regexp delimiter \"{}\": {}", delimiter, unfinished));
    rule.expression = line.substr(1, close - 1);
    std::size_t flags_end = close + 1;
    while (flags_end < line.size() && !is_ascii_space(line[flags_end]))
        ++flags_end;
    rule.flags = line.substr(close + 1, flags_end - close - 1);
    rule.result = trim(line.substr(flags_end));
    return rule;
}

}  // namespace posthaste::table
