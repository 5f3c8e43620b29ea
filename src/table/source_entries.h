// source_entries.h — the entries of a table's source, as postmap(1) and postalias(1) read it.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace posthaste::table {

enum class Dialect : std::uint8_t { Postmap, Postalias };

struct SourceEntry {
    std::string_view key;
    std::string_view value;
    std::size_t line = 0;
};

// What becomes of each line. Messages begin with "file, line N: ".
struct SourceUse {
    std::function<Result<void>(const SourceEntry& entry)> entry;     // an error ends the reading
    std::function<Result<void>(std::string_view message)> left_out;  // a line with an error; so does an error here
    std::function<void(std::string_view message)> remark;            // used, and probably not meant so
};

enum class SourceText : std::uint8_t { Utf8, AnyBytes };

// `name` is the file's, for messages.
Result<void> read_source(std::string_view text, std::string_view name, Dialect dialect, SourceText allowed,
                         const SourceUse& use);

}  // namespace posthaste::table
