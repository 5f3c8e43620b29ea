// key_value.h — the source format of postmap(1) and texthash: `key whitespace value`, the key possibly in quotes.
#pragma once

#include "base/result.h"

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace posthaste::table {

struct KeyValue {
    std::string_view key;  // as written, with its quotes: they belong to the address form of the key
    std::string_view value;
};

// A source in memory: asked by views, without a copy of the key.
struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using Entries = std::unordered_map<std::string, std::string, TextHash, std::equal_to<>>;

// Of an entry whose key ends with a colon.
constexpr std::string_view alias_file_warning = "record is in \"key: value\" format; is this an alias file?";

// Splits one logical line. Invalid when there is no value or the line starts with white space; the text says what
// was expected, without file and line.
Result<KeyValue> split_key_value(std::string_view line);

}  // namespace posthaste::table
