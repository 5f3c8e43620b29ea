// text_source.h — the text forms that tables are written in.
//
// Logical lines: empty lines, white-space-only lines and lines whose first non-white character is '#' are ignored;
// a line that starts with white space continues the logical line before it (the line break is dropped, the white
// space stays). A NUL ends its logical line, as it does for Postfix. Braced lists: `{ a } { b }`, as in inline:,
// cidr:{{rule}{rule}} and wherever postconf(5) allows them. Both are pure functions over text; sources are bounded by
// max_source_size.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace posthaste::table {

constexpr std::size_t max_source_size = std::size_t{256} << 20;

struct LogicalLine {
    std::string text;
    std::size_t first_line = 1;  // counted from 1, for messages
};

// Walks over a text that outlives it.
class LogicalLines {
public:
    explicit LogicalLines(std::string_view text) : rest_(text) {}
    // The next logical line, without trailing white space being touched; false at the end.
    bool next(LogicalLine& line);

private:
    bool take_logical_line(LogicalLine& line);
    std::string_view take_line();

    std::string_view rest_;
    std::size_t number_ = 0;
};

// "{ text }" without its braces and the white space inside them; Invalid when the brace is not closed or something
// follows it. Text without a leading brace is returned as it is.
Result<std::string_view> strip_braces(std::string_view text);

// The elements between separators, where a separator inside braces does not count: "a, {b c}" has "a" and "{b c}".
// Invalid when a brace is not closed.
Result<std::vector<std::string_view>> split_outside_braces(std::string_view text, std::string_view separators);

// The separators of parameter lists (postconf(5)).
constexpr std::string_view list_separators = ", \t\r\n";

// Where a rule table has its rules from: a file, or the rules in braces behind the type's colon.
struct RuleText {
    std::string text;
    std::string where;  // the file's name, or the inline text
};
// `name` is a path, or "{ {rule} {rule} }".
Result<RuleText> read_rules(std::string_view type, const std::string& name);

}  // namespace posthaste::table
