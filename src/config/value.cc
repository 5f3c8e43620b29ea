// Numbers, yes/no, times.
#include "config/value.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>

namespace posthaste::config {
namespace {

std::unexpected<Error> expected(std::string_view what, std::string_view text)
{
    return fail(ErrorKind::Invalid, fmt::format("{} expected, not \"{}\"", what, printable(text)));
}

// Seconds in a unit; 0 if there is no such unit.
constexpr std::int64_t seconds_in(char unit)
{
    switch (unit) {
    case 's': return 1;
    case 'm': return 60;
    case 'h': return 3600;
    case 'd': return 86400;
    case 'w': return 604800;
    default: return 0;
    }
}

Result<std::int64_t> within(std::int64_t value, Bounds bounds, std::string_view text)
{
    if (value < bounds.minimum)
        return expected(fmt::format("a value of at least {}", bounds.minimum), text);
    if (value > bounds.maximum)
        return expected(fmt::format("a value of at most {}", bounds.maximum), text);
    return value;
}

// "dns or native", "ipv4, ipv6 or all, or nothing"
std::string choice(std::vector<std::string_view> possible, Words::Empty empty)
{
    const std::string_view last = possible.back();
    possible.pop_back();
    return fmt::format("{}{}{}{}", fmt::join(possible, ", "), possible.empty() ? "" : " or ", last,
                       empty == Words::Empty::Allowed ? ", or nothing," : "");
}

}  // namespace

Result<std::int64_t> parse_integer(std::string_view text, Bounds bounds)
{
    const auto number = parse_number<std::int64_t>(text);
    if (!number)
        return expected("a whole number", text);
    return within(*number, bounds, text);
}

Result<bool> parse_bool(std::string_view text)
{
    if (equal_ignoring_case(text, "yes"))
        return true;
    if (equal_ignoring_case(text, "no"))
        return false;
    return expected("yes or no", text);
}

Result<std::chrono::seconds> parse_time(std::string_view text, char unit, Bounds bounds)
{
    std::string_view digits = text;
    if (!digits.empty() && !is_ascii_digit(digits.back())) {
        unit = ascii_lower(digits.back());
        digits.remove_suffix(1);
    }
    const auto number = parse_number<std::int64_t>(digits);
    const std::int64_t scale = seconds_in(unit);
    if (!number || scale == 0 || *number < 0 || *number > std::numeric_limits<std::int64_t>::max() / scale)
        return expected("a whole number and a unit (s, m, h, d, w)", text);
    TRY(std::int64_t seconds, within(*number * scale, bounds, text));
    return std::chrono::seconds(seconds);
}

Result<std::string> parse_words(std::string text, const Words& words)
{
    if (words.possible.empty())
        return text;
    std::string value = words.letter_case == Words::Case::Ignored ? to_lower(text) : text;
    const std::vector<std::string_view> possible = split(words.possible, " ");
    std::vector<std::string_view> found{value};
    if (words.several == Words::Several::Yes || value.empty())
        found = split(value, ", \t\r\n");
    const auto unknown = std::ranges::find_if(
        found, [&](std::string_view word) { return std::ranges::find(possible, word) == possible.end(); });
    if (unknown != found.end())
        return expected(choice(possible, words.empty), *unknown);
    if (found.empty() && words.empty == Words::Empty::Refused)
        return expected(choice(possible, words.empty), "");
    return value;
}

}  // namespace posthaste::config
