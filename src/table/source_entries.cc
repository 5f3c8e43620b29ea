// source_entries.cc — see source_entries.h.
#include "table/source_entries.h"

#include "address/fold.h"
#include "base/text.h"
#include "table/alias_source.h"
#include "table/key_value.h"
#include "table/text_source.h"

#include <fmt/format.h>

namespace posthaste::table {

namespace {

std::string at_line(std::string_view name, const LogicalLine& line, std::string_view what)
{
    return fmt::format("{}, line {}: {}", name, line.first_line, what);
}

Result<void> read_map_line(const LogicalLine& line, std::string_view name, const SourceUse& use)
{
    auto entry = split_key_value(line.text);
    if (!entry) {
        const bool unbalanced = entry.error().text().starts_with("unbalanced");
        return use.left_out(at_line(name, line, entry.error().text() + (unbalanced ? " -- ignoring this line" : "")));
    }
    if (entry->key.ends_with(':'))
        use.remark(at_line(name, line, alias_file_warning));
    return use.entry({entry->key, entry->value, line.first_line});
}

Result<void> read_alias_line(const LogicalLine& line, std::string_view name, const SourceUse& use)
{
    auto alias = parse_alias(line.text);
    if (!alias)
        return use.left_out(at_line(name, line, alias.error().text()));
    return use.entry({alias->name, alias->value, line.first_line});
}

}  // namespace

Result<void> read_source(std::string_view text, std::string_view name, Dialect dialect, SourceText allowed,
                         const SourceUse& use)
{
    LogicalLines lines(text);
    LogicalLine line;
    while (lines.next(line)) {
        if (allowed == SourceText::Utf8 && !address::is_valid_utf8(line.text)) {
            const std::string what = fmt::format("non-UTF-8 input \"{}\" -- ignoring this line", printable(line.text));
            TRY(use.left_out(at_line(name, line, what)));
        } else if (is_ascii_space(line.text.front())) {
            TRY(use.left_out(fmt::format("{}: logical line must not start with whitespace: \"{}\"", name, line.text)));
        } else if (dialect == Dialect::Postmap) {
            TRY(read_map_line(line, name, use));
        } else {
            TRY(read_alias_line(line, name, use));
        }
    }
    return {};
}

}  // namespace posthaste::table
