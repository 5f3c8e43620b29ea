// check_configuration.cc — main.cf and master.cf as texts: values, names, overrides.
#include "base/text.h"
#include "command/postfix/checks.h"
#include "config/check_names.h"
#include "config/service_config.h"
#include "param/log.h"
#include "param/services.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::postfix {

config::Place place_of(const config::Config& config, std::string_view parameter)
{
    return config.place(parameter).value_or(config::Place());
}

config::Place place_in(const Subject& subject, const config::MasterService& service, std::string_view parameter)
{
    const bool overridden =
        std::ranges::any_of(service.overrides, [&](const auto& setting) { return setting.first == parameter; });
    return overridden ? service.place : place_of(subject.config, parameter);
}

Result<std::shared_ptr<const config::Config>> load_with_options(const Subject& subject,
                                                                const config::MasterService& service)
{
    return config::load_again(subject.config, {.config_directory = subject.config.directory(),
                                               .overrides = service.overrides,
                                               .process_name = service.command,
                                               .service_name = service.name});
}

std::string parameter_in_front(std::string_view text)
{
    const std::string_view name = text.substr(0, text.find(':'));
    return config::find_declaration(name) ? std::string(name) : "";
}

std::string key_of(const config::MasterService& service)
{
    return fmt::format("{}/{}", service.name, config::name(service.type));
}

namespace checks {

void values(const Subject& subject, Findings& findings)
{
    for (const config::Notice& notice : subject.config.notices())
        findings.push_back({.severity = Severity::Warning, .place = notice.place, .text = notice.text});
    for (const config::Notice& notice : subject.config.problems())
        findings.push_back({.severity = Severity::Fatal,
                            .place = notice.place,
                            .parameter = parameter_in_front(notice.text),
                            .text = notice.text});
    for (const config::Notice& notice : subject.master_cf.notices)
        findings.push_back({.severity = Severity::Warning, .place = notice.place, .text = notice.text});
}

void names(const Subject& subject, Findings& findings)
{
    const config::NameCheck check(subject.config, subject.master_cf.services);
    for (const config::NameProblem& unread : check.problems())
        findings.push_back(
            {.severity = unread.name_class == config::NameClass::Refused ? Severity::Fatal : Severity::Warning,
             .place = unread.setting.place,
             .parameter = unread.setting.name,
             .text = unread.text});
    for (const config::UndefinedName& undefined : check.undefined_names())
        findings.push_back({.severity = Severity::Warning,
                            .place = undefined.place,
                            .text = "undefined parameter: " + undefined.name,
                            .remedy = "it counts as empty"});
}

void defaults(const Subject& subject, Findings& findings)
{
    if (std::string text = config::unknown_level(subject.config); !text.empty())
        findings.push_back({.severity = Severity::Warning,
                            .place = place_of(subject.config, "compatibility_level"),
                            .parameter = "compatibility_level",
                            .text = std::move(text),
                            .remedy = "defaults that came later cannot be asked for"});
    for (const config::LegacyDefault& legacy : config::legacy_defaults(subject.config))
        findings.push_back({.severity = Severity::Note, .text = legacy.text()});
}

// All programs that route mail have the options of rewrite_service_name's line, and all that take mail in those of
// cleanup_service_name's.
void overrides(const Subject& subject, Findings& findings)
{
    if (!subject.config.problems().empty())
        return;
    for (const config::MasterService& service : subject.master_cf.services) {
        if (service.overrides.empty())
            continue;
        const bool is_for_all = service.type == config::ServiceType::Unix &&
                                (service.name == subject.config.get(param::rewrite_service_name) ||
                                 service.name == subject.config.get(param::cleanup_service_name));
        if (auto loaded = load_with_options(subject, service); !loaded)
            findings.push_back({.severity = is_for_all ? Severity::Fatal : Severity::Error,
                                .place = service.place,
                                .service = key_of(service),
                                .text = loaded.error().text()});
    }
}

void log_file(const Subject& subject, Findings& findings)
{
    const std::string& file = subject.config.get(param::maillog_file);
    const std::string& prefixes = subject.config.get(param::maillog_file_prefixes);
    const bool allowed = file.empty() || std::ranges::any_of(split(prefixes, ", \t\r\n"), [&](std::string_view prefix) {
                             return file == prefix ||
                                    (file.starts_with(prefix) && (prefix.ends_with('/') || file[prefix.size()] == '/'));
                         });
    if (!allowed)
        findings.push_back(
            {.severity = Severity::Fatal,
             .place = place_of(subject.config, "maillog_file"),
             .parameter = "maillog_file",
             .text = fmt::format("maillog_file {} begins with none of maillog_file_prefixes: {}", file, prefixes),
             .remedy = "write to a file below one of them, or add its directory to maillog_file_prefixes"});
}

}  // namespace checks
}  // namespace posthaste::postfix
