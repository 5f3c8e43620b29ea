// key_value.cc — see key_value.h.
#include "table/key_value.h"

#include "base/text.h"

#include <fmt/format.h>

namespace posthaste::table {

Result<KeyValue> split_key_value(std::string_view line)
{
    if (!line.empty() && is_ascii_space(line.front()))
        return fail(ErrorKind::Invalid, "logical line must not start with whitespace");
    bool quoted = false;
    std::size_t end = 0;
    for (; end < line.size() && (quoted || !is_ascii_space(line[end])); ++end) {
        if (line[end] == '"')
            quoted = !quoted;
        else if (quoted && line[end] == '\\' && end + 1 < line.size())
            ++end;
    }
    if (quoted)
        return fail(ErrorKind::Invalid, fmt::format("unbalanced '\"' in '{}'", line));
    std::string_view value = trim(line.substr(end));
    if (end == 0 || value.empty())
        return fail(ErrorKind::Invalid, "expected format: key whitespace value");
    return KeyValue{.key = line.substr(0, end), .value = value};
}

}  // namespace posthaste::table
