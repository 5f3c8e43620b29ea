// source_settings.cc — see source_settings.h.
#include "table/source_settings.h"

#include "base/fd.h"
#include "base/text.h"
#include "config/value.h"
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
    TRY(std::string content, read_file(path, limit));
    return parse(content, path);
}

Result<SourceSettings> SourceSettings::from(const config::Config& config, const std::string& prefix)
{
    SourceSettings result;
    result.path_ = prefix;
    result.prefix_ = prefix + "_";
    for (const config::Setting& setting : config.settings()) {
        if (!setting.name.starts_with(result.prefix_))
            continue;
        TRY(std::optional<std::string> value, config.value_of(setting.name));
        result.settings_[setting.name.substr(result.prefix_.size())] = value.value_or("");
    }
    return result;
}

Result<SourceSettings> SourceSettings::of(const std::string& source, const OpenOptions& options)
{
    if (is_file(source))
        return read(source);
    if (!options.main_cf)
        return fail(ErrorKind::Invalid, fmt::format("{}: no main.cf was read that could have {}_ settings; name a file "
                                                    "with its whole path",
                                                    source, source));
    return from(*options.main_cf, source);
}

std::string SourceSettings::named(std::string_view what, std::string_view name) const
{
    return prefix_.empty() ? fmt::format("{}: {}: {}", path_, what, name)
                           : fmt::format("{}: {}{}", what, prefix_, name);
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
        return fail(ErrorKind::Invalid, fmt::format("{} = ", named("bad string length 0 < 1", name)));
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
                    fmt::format("{} = {}", named("bad numerical configuration", name), setting->second));
    if (*value < least || *value > most)
        return fail(ErrorKind::Invalid, fmt::format("{}: invalid {}{} parameter value {}: must be from {} to {}", path_,
                                                    prefix_, name, *value, least, most));
    return *value;
}

Result<bool> SourceSettings::yes_or_no(std::string_view name, bool standard) const
{
    auto setting = settings_.find(name);
    if (setting == settings_.end())
        return standard;
    auto value = config::parse_bool(setting->second);
    if (!value)
        return fail(ErrorKind::Invalid,
                    fmt::format("{} = {}", named("bad boolean configuration", name), setting->second));
    return *value;
}

Result<std::chrono::seconds> SourceSettings::seconds(std::string_view name, int standard, int least, int most) const
{
    auto setting = settings_.find(name);
    if (setting == settings_.end())
        return std::chrono::seconds(standard);
    auto value = config::parse_time(setting->second, 's', {least, most});
    if (!value)
        return fail(ErrorKind::Invalid, fmt::format("{} = {}: {}", named("bad time configuration", name),
                                                    setting->second, value.error().text()));
    return *value;
}

}  // namespace posthaste::table
