// Text helpers that know nothing of mail: ASCII case, trimming, splitting, numbers. Locale is never consulted.
#pragma once

#include "base/result.h"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste {

constexpr char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr char ascii_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
constexpr bool is_ascii_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_ascii_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_ascii_alnum(char c) { return is_ascii_alpha(c) || is_ascii_digit(c); }

std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);
std::string_view trim(std::string_view text);  // ASCII white space at both ends
// The pieces between any of the separator characters; empty pieces are left out.
std::vector<std::string_view> split(std::string_view text, std::string_view separators);
// Bytes that a terminal or a log reader could stumble over (control characters, 0x7f, invalid UTF-8) become '?'.
std::string printable(std::string_view text);

// A whole decimal number, nothing before or after it; no value if it does not fit.
template<class Integer>
std::optional<Integer> parse_number(std::string_view text, int base = 10)
{
    Integer value{};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return value;
}

}  // namespace posthaste
