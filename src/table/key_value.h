// key_value.h — the source format of postmap(1) and texthash: `key whitespace value`, the key possibly in quotes.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace posthaste::table {

struct KeyValue {
    std::string_view key;  // as written, with its quotes: they belong to the address form of the key
    std::string_view value;
};

// Of an entry whose key ends with a colon.
constexpr std::string_view alias_file_warning = "record is in \"key: value\" format; is this an alias file?";

// Splits one logical line. Invalid when there is no value or the line starts with white space; the text says what
// was expected, without file and line.
Result<KeyValue> split_key_value(std::string_view line);

}  // namespace posthaste::table
