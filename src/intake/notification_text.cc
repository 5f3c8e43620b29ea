// Templates with their names replaced, see notification_text.h.
#include "intake/notification_text.h"

#include "base/fd.h"
#include "base/text.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/cleanup.h"
#include "param/qmgr.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>

namespace posthaste::intake {

namespace {

struct Unit {
    std::string_view suffix;
    std::int64_t seconds;
};
constexpr std::array units{Unit{"_seconds", 1}, Unit{"_minutes", 60}, Unit{"_hours", 3600}, Unit{"_days", 86400},
                           Unit{"_weeks", 604800}};

struct TimeInUnits {
    std::int64_t time;  // seconds
    std::int64_t units;
};

std::optional<TimeInUnits> time_in_units(std::string_view name, const config::Config& config)
{
    for (const Unit& unit : units) {
        std::int64_t time = 0;
        if (name == fmt::format("delay_warning_time{}", unit.suffix))
            time = config.get(param::delay_warning_time).count();
        else if (name == fmt::format("maximal_queue_lifetime{}", unit.suffix))
            time = config.get(param::maximal_queue_lifetime).count();
        else
            continue;
        return TimeInUnits{.time = time, .units = time / unit.seconds};
    }
    return std::nullopt;
}

Result<std::string> expanded_line(const std::string& line, const config::Config& config)
{
    std::string undefined;
    config::for_each_name(line, [&](std::string_view name) {
        auto value = config.value_of(name);
        if (undefined.empty() && !time_in_units(name, config) && (!value || !*value))
            undefined = name;
    });
    if (!undefined.empty())
        return fail(ErrorKind::Invalid, line);
    auto text = config.try_expand(line, [&](std::string_view name) -> Result<std::optional<config::NameValue>> {
        if (auto time = time_in_units(name, config))
            return config::NameValue{.text = std::to_string(time->units), .further = config::Further::Keep};
        return std::nullopt;
    });
    if (!text)
        return fail(ErrorKind::Invalid, line);
    return text;
}

}  // namespace

Result<dsn::TemplateFile> load_notification_templates(const std::string& file)
{
    if (file.empty())
        return dsn::built_in_templates();
    TRY(std::string text, read_file(file));
    return dsn::parse_notification_templates(text, file);
}

Result<dsn::NotificationTemplate> expanded_template(const dsn::NotificationTemplate& given,
                                                    const config::Config& config)
{
    dsn::NotificationTemplate made = given;
    for (std::string& line : made.lines) {
        TRY(line, expanded_line(line, config));
    }
    if (equal_ignoring_case(made.charset, "us-ascii") && config.get(param::smtputf8_enable))
        made.charset = "utf-8";
    return made;
}

dsn::NotificationTemplate notification_text(dsn::ReportKind kind, const dsn::NotificationTemplate& given,
                                            const config::Config& config)
{
    auto text = expanded_template(given, config);
    if (text)
        return std::move(*text);
    log::warning("undefined $name in {} template: {}", name(kind), text.error().text());
    return expanded_template(dsn::built_in_template(kind), config).value_or(dsn::built_in_template(kind));
}

std::vector<std::string> names_that_are_zero(const dsn::NotificationTemplate& given, const config::Config& config)
{
    std::vector<std::string> names;
    for (const std::string& line : given.lines)
        config::for_each_name(line, [&](std::string_view name) {
            auto time = time_in_units(name, config);
            if (time && time->time != 0 && time->units == 0 && std::ranges::find(names, name) == names.end())
                names.emplace_back(name);
        });
    return names;
}

}  // namespace posthaste::intake
