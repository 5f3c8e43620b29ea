// Logical lines and `name = value`.
#include "config/main_cf.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <map>
#include <utility>

namespace posthaste::config {

std::string Place::text() const { return line == 0 ? file : fmt::format("{}, line {}", file, line); }

LogicalLines split_logical_lines(std::string_view content, const std::string& file)
{
    LogicalLines result;
    int number = 0;
    while (!content.empty()) {
        ++number;
        const std::size_t end = content.find('\n');
        std::string_view line = content.substr(0, end);
        content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        const std::string_view visible = trim(line);
        if (visible.empty() || visible.front() == '#')
            continue;
        if (!is_ascii_space(line.front()))
            result.lines.push_back({std::string(line), number});
        else if (!result.lines.empty())
            result.lines.back().text += line;
        else
            result.notices.push_back(
                {{file, number}, fmt::format("logical line must not start with whitespace: \"{}\"", printable(line))});
    }
    return result;
}

Result<Setting> parse_setting(std::string_view text, Place place)
{
    const std::size_t equals = text.find('=');
    const std::string_view name = trim(text.substr(0, equals));
    const auto complaint = [&](std::string_view what) {
        Error error(ErrorKind::Invalid, fmt::format("{}: \"{}\"", what, printable(trim(text))));
        return fail(place.file.empty() ? std::move(error) : std::move(error).in(place.text()));
    };
    if (equals == std::string_view::npos || name.find_first_of(" \t\r\n\v\f") != std::string_view::npos)
        return complaint("missing '=' after attribute name");
    if (name.empty())
        return complaint("missing attribute name");
    return Setting{std::string(name), std::string(trim(text.substr(equals + 1))), std::move(place)};
}

namespace {

// All errors of a file in one text; a file that is no main.cf has one in each line.
std::string summary(std::vector<std::string> errors)
{
    constexpr std::size_t most_named = 10;
    const std::size_t more = errors.size() - std::min(errors.size(), most_named);
    errors.resize(errors.size() - more);
    return fmt::format("{}{}", fmt::join(errors, "; "), more > 0 ? fmt::format("; and {} more errors", more) : "");
}

}  // namespace

Result<MainCf> parse_main_cf(std::string_view content, const std::string& file)
{
    LogicalLines logical = split_logical_lines(content, file);
    MainCf result;
    result.notices = std::move(logical.notices);
    std::vector<std::string> errors;
    std::map<std::string, std::size_t, std::less<>> last;  // the setting of each name that counts so far
    for (const LogicalLine& line : logical.lines) {
        Result<Setting> setting = parse_setting(line.text, {file, line.line});
        if (!setting) {
            errors.push_back(setting.error().text());
            continue;
        }
        const auto [earlier, is_new] = last.try_emplace(setting->name, result.settings.size());
        if (!is_new) {
            const Setting& overridden = result.settings[std::exchange(earlier->second, result.settings.size())];
            if (overridden.value != setting->value)
                result.notices.push_back({setting->place, fmt::format("overriding earlier entry: {}={}",
                                                                      overridden.name, printable(overridden.value))});
        }
        result.settings.push_back(std::move(*setting));
    }
    if (!errors.empty())
        return fail(ErrorKind::Invalid, summary(std::move(errors)));
    return result;
}

}  // namespace posthaste::config
