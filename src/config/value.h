// From the text of a value to the value: numbers, yes/no, times.
#pragma once

#include "base/result.h"
#include "config/declaration.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::config {

struct Bounds {
    std::int64_t minimum;
    std::int64_t maximum;
};

// All of them: Invalid with a text that says what was expected.
Result<std::int64_t> parse_integer(std::string_view text, Bounds bounds);
Result<bool> parse_bool(std::string_view text);
// A whole number and one of the units s m h d w; `unit` counts for a number without one. Bounds in seconds.
Result<std::chrono::seconds> parse_time(std::string_view text, char unit, Bounds bounds);
// The text, in lower case where case is ignored, so that who uses it compares it as it is.
Result<std::string> parse_words(std::string text, const Words& words);

}  // namespace posthaste::config
