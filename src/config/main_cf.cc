// Logical lines and `name = value`.
#include "config/main_cf.h"

#include "base/fd.h"
#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <map>
#include <span>
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

Result<Setting> parse_setting(std::string_view text)
{
    const std::size_t equals = text.find('=');
    const std::string_view name = trim(text.substr(0, equals));
    const auto complaint = [&](std::string_view what) {
        return fail(ErrorKind::Invalid, fmt::format("{}: \"{}\"", what, printable(trim(text))));
    };
    if (equals == std::string_view::npos || name.find_first_of(" \t\r\n\v\f") != std::string_view::npos)
        return complaint("missing '=' after attribute name");
    if (name.empty())
        return complaint("missing attribute name");
    return Setting{std::string(name), std::string(trim(text.substr(equals + 1))), {}};
}

MainCfLines parse_main_cf_lines(std::string_view content, const std::string& file)
{
    LogicalLines logical = split_logical_lines(content, file);
    MainCfLines lines;
    MainCf& result = lines.good;
    result.notices = std::move(logical.notices);
    std::map<std::string, std::size_t, std::less<>> last;  // the setting of each name that counts so far
    for (const LogicalLine& line : logical.lines) {
        Result<Setting> setting = parse_setting(line.text);
        if (!setting) {
            lines.errors.push_back({{file, line.line}, setting.error().text()});
            continue;
        }
        setting->place = {file, line.line};
        const auto [earlier, is_new] = last.try_emplace(setting->name, result.settings.size());
        if (!is_new) {
            const Setting& overridden = result.settings[std::exchange(earlier->second, result.settings.size())];
            if (overridden.value != setting->value)
                result.notices.push_back({setting->place, fmt::format("overriding earlier entry: {}={}",
                                                                      overridden.name, printable(overridden.value))});
        }
        result.settings.push_back(std::move(*setting));
    }
    return lines;
}

namespace {

// All errors of a file in one text; a file that is no main.cf has one in each line.
std::string summary(const std::vector<Notice>& errors)
{
    constexpr std::size_t most_named = 10;
    std::vector<std::string> texts;
    for (const Notice& error : std::span(errors).first(std::min(errors.size(), most_named)))
        texts.push_back(fmt::format("{}: {}", error.place.text(), error.text));
    const std::size_t more = errors.size() - texts.size();
    return fmt::format("{}{}", fmt::join(texts, "; "), more > 0 ? fmt::format("; and {} more errors", more) : "");
}

Result<MainCf> whole(MainCfLines lines)
{
    if (!lines.errors.empty())
        return fail(ErrorKind::Invalid, summary(lines.errors));
    return std::move(lines.good);
}

}  // namespace

Result<MainCf> parse_main_cf(std::string_view content, const std::string& file)
{
    return whole(parse_main_cf_lines(content, file));
}

Result<MainCfLines> load_main_cf_lines(const std::string& directory)
{
    const std::string file = directory + "/main.cf";
    TRY(std::string content, read_file(file, max_file_size));
    return parse_main_cf_lines(content, file);
}

Result<MainCf> load_main_cf(const std::string& directory)
{
    TRY(MainCfLines lines, load_main_cf_lines(directory));
    return whole(std::move(lines));
}

}  // namespace posthaste::config
