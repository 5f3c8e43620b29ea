// Numbers, yes/no, times.
#include "config/value.h"

#include "base/text.h"

#include <fmt/format.h>
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

}  // namespace posthaste::config
