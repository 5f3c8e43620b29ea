// text_source.cc — see text_source.h.
#include "table/text_source.h"

#include "base/fd.h"
#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::table {

std::string_view LogicalLines::take_line()
{
    std::size_t end = rest_.find('\n');
    std::string_view line = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    ++number_;
    return line;
}

bool LogicalLines::next(LogicalLine& line)
{
    while (take_logical_line(line)) {
        line.text.erase(std::min(line.text.find('\0'), line.text.size()));
        if (!line.text.empty())
            return true;
    }
    return false;
}

bool LogicalLines::take_logical_line(LogicalLine& line)
{
    line.text.clear();
    while (!rest_.empty()) {
        char first = rest_.front();
        std::string_view content = trim(rest_.substr(0, rest_.find('\n')));
        bool ignored = content.empty() || content.front() == '#';
        bool continues = is_ascii_space(first);
        if (!ignored && !continues && !line.text.empty())
            return true;
        std::string_view raw = take_line();
        if (ignored)
            continue;
        if (line.text.empty())
            line.first_line = number_;
        line.text += raw;
    }
    return !line.text.empty();
}

namespace {

// The position of the brace that closes the one at `open`, npos if there is none.
std::size_t closing_brace(std::string_view text, std::size_t open)
{
    int depth = 0;
    for (std::size_t i = open; i < text.size(); ++i) {
        if (text[i] == '{')
            ++depth;
        else if (text[i] == '}' && --depth == 0)
            return i;
    }
    return std::string_view::npos;
}

}  // namespace

Result<std::string_view> strip_braces(std::string_view text)
{
    if (!text.starts_with('{'))
        return text;
    std::size_t close = closing_brace(text, 0);
    if (close == std::string_view::npos)
        return fail(ErrorKind::Invalid, fmt::format("missing '}}' in \"{}\"", text));
    if (!trim(text.substr(close + 1)).empty())
        return fail(ErrorKind::Invalid, fmt::format("syntax error after '}}' in \"{}\"", text));
    return trim(text.substr(1, close - 1));
}

Result<std::vector<std::string_view>> split_outside_braces(std::string_view text, std::string_view separators)
{
    std::vector<std::string_view> pieces;
    std::size_t position = 0;
    while ((position = text.find_first_not_of(separators, position)) != std::string_view::npos) {
        std::size_t end = position;
        while (end < text.size() && separators.find(text[end]) == std::string_view::npos) {
            if (text[end] != '{') {
                ++end;
                continue;
            }
            std::size_t close = closing_brace(text, end);
            if (close == std::string_view::npos)
                return fail(ErrorKind::Invalid, fmt::format("missing '}}' in \"{}\"", text.substr(position)));
            end = close + 1;
            // `{a}{b}`: two elements, with or without a separator between them.
            if (text[position] == '{')
                break;
        }
        pieces.push_back(text.substr(position, end - position));
        position = end;
    }
    return pieces;
}

Result<RuleText> read_rules(std::string_view type, const std::string& name)
{
    RuleText result{.text = {}, .where = name};
    if (!name.starts_with('{')) {
        TRY(result.text, read_file(name, max_source_size));
        return result;
    }
    const std::string map = fmt::format("{} map", type);
    auto body = strip_braces(name);
    if (!body)
        return fail(std::move(body).error().in(map));
    auto rules = split_outside_braces(*body, list_separators);
    if (!rules)
        return fail(std::move(rules).error().in(map));
    for (std::string_view rule : *rules) {
        if (!rule.starts_with('{'))
            return fail(ErrorKind::Invalid, fmt::format("{}: no '{{' at start of text in \"{}\"", map, rule));
        auto line = strip_braces(rule);
        if (!line)
            return fail(std::move(line).error().in(map));
        result.text.append(*line).append(1, '\n');
    }
    return result;
}

}  // namespace posthaste::table
