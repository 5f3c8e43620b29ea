// source_settings.cc — see source_settings.h.
#include "table/source_settings.h"

#include "base/fd.h"
#include "base/text.h"
#include "table/text_source.h"

#include <fmt/format.h>

namespace posthaste::table {

Result<SourceSettings> SourceSettings::parse(std::string_view text, const std::string& where)
{
    SourceSettings result;
    result.path_ = where;
    LogicalLines lines(text);
    LogicalLine line;
    while (lines.next(line)) {
        const std::size_t equals = line.text.find('=');
        const std::string_view name = trim(std::string_view(line.text).substr(0, equals));
        if (equals == std::string::npos)
            return fail(ErrorKind::Invalid, fmt::format("{}, line {}: missing '=' after attribute name: \"{}\"", where,
                                                        line.first_line, line.text));
        if (name.empty())
            return fail(ErrorKind::Invalid,
                        fmt::format("{}, line {}: missing attribute name: \"{}\"", where, line.first_line, line.text));
        result.settings_[std::string(name)] = trim(std::string_view(line.text).substr(equals + 1));
    }
    return result;
}

Result<SourceSettings> SourceSettings::read(const std::string& path)
{
    constexpr std::size_t limit = 1U << 20U;
    if (!path.starts_with('/') && !path.starts_with("./"))
        return fail(ErrorKind::Invalid,
                    fmt::format("{}: settings are read from a file: name it with its whole path", path));
    TRY(std::string content, read_file(path, limit));
    return parse(content, path);
}

std::string SourceSettings::text(std::string_view name, std::string_view standard) const
{
    auto setting = settings_.find(name);
    return std::string(setting == settings_.end() ? standard : std::string_view(setting->second));
}

Result<std::string> SourceSettings::required(std::string_view name) const
{
    std::string value = text(name);
    if (value.empty())
        return fail(ErrorKind::Invalid, fmt::format("{}: bad string length 0 < 1: {} = ", path_, name));
    return value;
}

Result<int> SourceSettings::number(std::string_view name, int standard, int least, int most) const
{
    auto setting = settings_.find(name);
    if (setting == settings_.end())
        return standard;
    const auto value = parse_number<int>(setting->second);
    if (!value)
        return fail(ErrorKind::Invalid,
                    fmt::format("{}: bad numerical configuration: {} = {}", path_, name, setting->second));
    if (*value < least || *value > most)
        return fail(ErrorKind::Invalid, fmt::format("{}: invalid {} parameter value {}: must be from {} to {}", path_,
                                                    name, *value, least, most));
    return *value;
}

}  // namespace posthaste::table
