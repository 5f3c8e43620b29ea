// A name is in use if it is declared, belongs to a service, or some value refers to it.
#include "config/check_names.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <numeric>

namespace posthaste::config {
namespace {

// Agents that the queue manager delivers through: these services have scheduling parameters of their own.
constexpr std::array<std::string_view, 6> delivery_agents{"error", "lmtp", "local", "pipe", "smtp", "virtual"};
// Programs that run a command for at most <service>_time_limit.
constexpr std::array<std::string_view, 2> command_runners{"pipe", "spawn"};
// Table types whose `type:name` may have settings name_... in main.cf.
constexpr std::array<std::string_view, 7> configured_tables{"ldap",  "memcache", "mongodb", "mysql",
                                                            "pgsql", "redis",    "sqlite"};
constexpr std::size_t nearest_distance = 3;
// The level of the defaults that a new configuration gets (conf/main.cf).
constexpr std::string_view newest_level = "3.12";

// Levenshtein distance, given up beyond the limit.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit)
{
    if (a.size() > b.size() + limit || b.size() > a.size() + limit)
        return limit + 1;
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U);
            diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
        }
    }
    return row.back();
}

std::vector<NameCheck::ServiceParameter> parameters_of(const std::vector<MasterService>& services)
{
    std::vector<NameCheck::ServiceParameter> names;
    for (const MasterService& service : services) {
        const bool delivers = std::ranges::find(delivery_agents, service.command) != delivery_agents.end();
        const bool runs = std::ranges::find(command_runners, service.command) != command_runners.end();
        for (std::size_t i = 0; i < families().size(); ++i) {
            if (families()[i].suffix == "time_limit" ? runs : delivers)
                names.push_back({fmt::format("{}_{}", service.name, families()[i].suffix), i});
        }
    }
    std::ranges::sort(names, {}, &NameCheck::ServiceParameter::name);
    const auto repeated = std::ranges::unique(names, {}, &NameCheck::ServiceParameter::name);
    names.erase(repeated.begin(), repeated.end());
    return names;
}

}  // namespace

std::string_view similar_name(std::string_view name)
{
    std::string_view best;
    std::size_t best_distance = std::min(nearest_distance, name.size() / 3) + 1;
    const auto consider = [&](std::string_view candidate) {
        const std::size_t found = distance(name, candidate, best_distance);
        if (found < best_distance) {
            best = candidate;
            best_distance = found;
        }
    };
    for (const Declaration& declaration : declarations())
        consider(declaration.name);
    return best;
}

NameCheck::NameCheck(const Config& config, const std::vector<MasterService>& services)
    : config_(config), services_(services)
{
    for (const Setting& setting : config.settings()) {
        if (counts(setting))
            note_uses(setting.value);
    }
    for (const Declaration& declaration : declarations())
        note_uses(declaration.default_text);
    for (const MasterService& service : services) {
        for (const std::string& argument : service.arguments)
            note_uses(argument);
        for (const auto& [name, value] : service.overrides) {
            note_uses(value);
            if (name == "smtpd_restriction_classes")
                note_restriction_classes(value);
        }
    }
    note_restriction_classes("$smtpd_restriction_classes");
    used_.insert(restriction_classes_.begin(), restriction_classes_.end());
    service_parameters_ = parameters_of(services);
}

void NameCheck::note_restriction_classes(std::string_view value)
{
    const std::string expanded = config_.expand(value);
    for (const std::string_view word : split(expanded, ", \t\r\n"))
        restriction_classes_.emplace(word);
}

bool NameCheck::counts(const Setting& setting) const
{
    const std::optional<Place> place = config_.place(setting.name);
    return place && place->file == setting.place.file && place->line == setting.place.line &&
           config_.raw(setting.name) == setting.value;
}

void NameCheck::note_uses(std::string_view value)
{
    for_each_name(value, [this](std::string_view name) { used_.emplace(name); });
    for (const std::string_view word : split(value, ", \t\r\n{}")) {
        const std::size_t last = word.rfind(':');
        const std::size_t first = last == std::string_view::npos ? last : word.rfind(':', last == 0 ? 0 : last - 1);
        if (last == std::string_view::npos || word.find('/', last) != std::string_view::npos)
            continue;
        const std::size_t begin = first == std::string_view::npos || first == last ? 0 : first + 1;
        if (std::ranges::find(configured_tables, word.substr(begin, last - begin)) != configured_tables.end())
            table_prefixes_.emplace(std::string(word.substr(last + 1)) + "_");
    }
}

NameClass NameCheck::classify(std::string_view name) const
{
    const auto planned = [](std::size_t slot) { return declarations()[slot].status == Status::Planned; };
    if (const auto slot = find_declaration(name)) {
        if (declarations()[*slot].status == Status::Refused)
            return NameClass::Refused;
        return planned(*slot) ? NameClass::Planned : NameClass::Builtin;
    }
    const auto own = std::ranges::lower_bound(service_parameters_, name, std::less<>{}, &ServiceParameter::name);
    if (own != service_parameters_.end() && own->name == name)
        return planned(families()[own->family].fallback_slot) ? NameClass::Planned : NameClass::Service;
    const bool of_table =
        std::ranges::any_of(table_prefixes_, [&](const std::string& prefix) { return name.starts_with(prefix); });
    return of_table || used_.contains(name) ? NameClass::UserDefined : NameClass::Unknown;
}

NameProblem NameCheck::problem_of(const Setting& setting, NameClass name_class) const
{
    if (name_class == NameClass::Planned) {
        const auto slot = find_declaration(setting.name);  // none: a parameter of a service, whose family is planned
        const std::string_view reason = slot ? declarations()[*slot].reason : "";
        return {setting, name_class,
                fmt::format("{}: known to Postfix, not yet implemented here (planned){}{}", setting.name,
                            reason.empty() ? "" : ": ", reason)};
    }
    if (name_class == NameClass::Refused) {
        const Declaration& declaration = declarations()[*find_declaration(setting.name)];
        return {setting, name_class,
                fmt::format("{}={} is not supported, only the default {}: {}", setting.name, setting.value,
                            declaration.default_text, declaration.reason)};
    }
    if (const OldName* old = find_old_name(setting.name))
        return {setting, name_class,
                fmt::format("unused parameter: {}={} ({})", setting.name, setting.value, old->reason)};
    const std::string_view similar = similar_name(setting.name);
    return {setting, name_class,
            fmt::format("unused parameter: {}={}{}", setting.name, setting.value,
                        similar.empty() ? "" : fmt::format(" (is {} meant?)", similar))};
}

std::vector<NameProblem> NameCheck::problems() const
{
    std::vector<NameProblem> found;
    const auto check = [&](const Setting& setting) {
        if (const auto slot = find_declaration(setting.name); slot && declarations()[*slot].read_only) {
            found.push_back({setting, NameClass::Builtin,
                             fmt::format("read-only parameter assignment: {}={}", setting.name, setting.value)});
            return;
        }
        const NameClass name_class = classify(setting.name);
        const bool refused = name_class == NameClass::Refused &&
                             setting.value != declarations()[*find_declaration(setting.name)].default_text;
        if (refused || name_class == NameClass::Planned || name_class == NameClass::Unknown)
            found.push_back(problem_of(setting, name_class));
    };
    for (const Setting& setting : config_.settings()) {
        if (counts(setting))
            check(setting);
    }
    for (const MasterService& service : services_) {
        for (const auto& [name, value] : service.overrides)
            check({name, value, service.place});
    }
    return found;
}

bool NameCheck::is_defined(std::string_view name, const MasterService* service) const
{
    const OldName* old = find_old_name(name);
    if (config_.raw(name) || find_declaration(name) || (old != nullptr && old->reason.empty()))
        return true;
    if (std::ranges::find(service_parameters_, name, &ServiceParameter::name) != service_parameters_.end())
        return true;
    const auto sets_it = [&](const MasterService& candidate) {
        return std::ranges::any_of(candidate.overrides, [&](const auto& setting) { return setting.first == name; });
    };
    return service != nullptr ? sets_it(*service) : std::ranges::any_of(services_, sets_it);
}

std::vector<UndefinedName> NameCheck::undefined_names() const
{
    std::vector<UndefinedName> found;
    const auto check = [&](const Setting& setting, const MasterService* service) {
        const auto slot = find_declaration(setting.name);
        if (slot && declarations()[*slot].kind == Kind::Raw)
            return;
        for_each_name(setting.value, [&](std::string_view name) {
            const bool known = std::ranges::any_of(found, [&](const UndefinedName& earlier) {
                return earlier.name == name && earlier.place.file == setting.place.file;
            });
            if (!known && !is_defined(name, service))
                found.push_back({std::string(name), setting.place});
        });
    };
    for (const Setting& setting : config_.settings()) {
        if (counts(setting))
            check(setting, nullptr);
    }
    for (const std::string& name : restriction_classes_) {
        const std::optional<Place> place = config_.place("smtpd_restriction_classes");
        if (place && !is_defined(name, nullptr))
            found.push_back({name, *place});
    }
    for (const MasterService& service : services_) {
        for (const auto& [name, value] : service.overrides)
            check({name, value, service.place}, &service);
    }
    return found;
}

std::string unknown_level(const Config& config)
{
    const Result<std::string> beyond =
        config.try_expand(fmt::format("${{{{$compatibility_level}} >level {{{}}} ? {{yes}}}}", newest_level));
    return !beyond || beyond->empty() ? "" : fmt::format("the newest level of this release is {}", newest_level);
}

std::string LegacyDefault::text() const
{
    return fmt::format("using backwards-compatible default setting {}={}", name, value);
}

std::vector<LegacyDefault> legacy_defaults(const Config& config)
{
    const NameLookup at_newest_level = [](std::string_view name) -> Result<std::optional<NameValue>> {
        if (name != "compatibility_level")
            return std::nullopt;
        return NameValue{std::string(newest_level), Further::Keep};
    };
    std::vector<LegacyDefault> found;
    for (const Declaration& declaration : declarations()) {
        if (declaration.status != Status::Working || config.raw(declaration.name) ||
            declaration.default_text.find("$compatibility_level") == std::string_view::npos)
            continue;
        const Result<std::string> now = config.try_expand(declaration.default_text);
        const Result<std::string> newest = config.try_expand(declaration.default_text, at_newest_level);
        if (now && newest && *now != *newest)
            found.push_back({declaration.name, *now});
    }
    return found;
}

}  // namespace posthaste::config
