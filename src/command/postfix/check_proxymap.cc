// check_proxymap.cc — a table that proxymap(8) serves needs a proxymap in master.cf.
#include "base/text.h"
#include "command/postfix/checks.h"
#include "param/local.h"
#include "param/services.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::postfix {

namespace {

// The first proxy:type:name in a value, also within braces; empty if there is none.
std::string_view proxied_table(std::string_view value)
{
    for (std::string_view word : split(value, ", \t\r\n{}"))
        if (word.starts_with("proxy:"))
            return word;
    return {};
}

std::string first_proxied_table(const Subject& subject)
{
    for (const config::Setting& setting : subject.config.settings())
        if (auto value = subject.config.value_of(setting.name); value && *value)
            if (std::string_view table = proxied_table(**value); !table.empty())
                return std::string(table);
    for (const config::MasterService& service : subject.master_cf.services)
        for (const auto& [name, value] : service.overrides)
            if (const std::string expanded = subject.config.expand(value); !proxied_table(expanded).empty())
                return std::string(proxied_table(expanded));
    return {};
}

bool is_local(const config::MasterService& service) { return service.command == "local"; }

}  // namespace

namespace checks {

void proxymap(const Subject& subject, Findings& findings)
{
    const std::string& name = subject.config.get(param::proxymap_service_name);
    const auto& services = subject.master_cf.services;
    if (config::find_service(services, name, config::ServiceType::Unix) != nullptr)
        return;
    const bool has_aliases = std::ranges::any_of(services, is_local) && !subject.config.get(param::alias_maps).empty();
    const std::string table = first_proxied_table(subject);
    if (!has_aliases && table.empty())
        return;
    findings.push_back(
        {.severity = Severity::Warning,
         .place = {},
         .parameter = has_aliases ? "alias_maps" : "",
         .service = "",
         .text = fmt::format("master.cf has no service {}, which {}: mail waits until it has one", name,
                             has_aliases ? "local(8) asks for the aliases of alias_maps" : "serves " + table),
         .remedy = fmt::format("add the line: {} unix - - n - - proxymap", name)});
}

}  // namespace checks
}  // namespace posthaste::postfix
