// tool_output.h — how postmap(1) and postalias(1) print an entry.
#pragma once

#include "table/tool.h"

#include <string>
#include <string_view>

namespace posthaste::table {

// Appends one line with its end: "key<TAB>value", for aliases "key:<TAB>value"; as JSON an object {"key": "value"}, in
// which bytes that are not UTF-8 are replaced by U+FFFD.
void append_entry(std::string& out, const ToolOptions& options, std::string_view key, std::string_view value);

}  // namespace posthaste::table
