// Which settings nobody reads: misspelt names, and parameters that Postfix has and Posthaste does not have yet. And
// which defaults are not today's, because compatibility_level asks for older ones.
#pragma once

#include "config/config.h"
#include "config/master_cf.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::config {

enum class NameClass : std::uint8_t {
    Builtin,      // declared
    Service,      // <service>_<suffix> of a service in master.cf
    UserDefined,  // referred to by $name, a restriction class, or the settings of a table (ldap:name ->
                  // name_server_host)
    Planned,      // declared as planned: a setting has no effect yet
    Refused,      // declared, but for its default
    Unknown,      // nobody reads it
};

struct NameProblem {
    Setting setting;
    NameClass name_class = NameClass::Unknown;  // Planned, Refused or Unknown; Builtin: it is read-only
    std::string text;                           // for a warning, without the place
};

// A value refers to a name that nobody defines.
struct UndefinedName {
    std::string name;
    Place place;  // of the value
};

// Life time: one check; refers to the snapshot and the services it was made from.
class NameCheck {
public:
    NameCheck(const Config& config, const std::vector<MasterService>& services);

    [[nodiscard]] NameClass classify(std::string_view name) const;
    // Problems of main.cf and -o options in file order, then those of master.cf.
    [[nodiscard]] std::vector<NameProblem> problems() const;

    // In the values that count of main.cf and -o options, then in master.cf: each name once per file.
    [[nodiscard]] std::vector<UndefinedName> undefined_names() const;

    // <service>_<suffix> names of all services, sorted, with the index of their family.
    struct ServiceParameter {
        std::string name;
        std::size_t family;
    };
    [[nodiscard]] const std::vector<ServiceParameter>& service_parameters() const { return service_parameters_; }

private:
    void note_uses(std::string_view value);
    void note_restriction_classes(std::string_view value);
    [[nodiscard]] bool counts(const Setting& setting) const;
    [[nodiscard]] bool is_defined(std::string_view name, const MasterService* service) const;
    [[nodiscard]] NameProblem problem_of(const Setting& setting, NameClass name_class) const;

    const Config& config_;
    const std::vector<MasterService>& services_;
    std::vector<ServiceParameter> service_parameters_;
    std::set<std::string, std::less<>> restriction_classes_;
    std::set<std::string, std::less<>> used_;            // names that some value refers to
    std::set<std::string, std::less<>> table_prefixes_;  // "name_" of every ldap:name and the like
};

// The declared or Postfix name that is most like this one; empty if none is near enough to be meant.
std::string_view similar_name(std::string_view name);

// A compatibility_level beyond the newest that this release knows: defaults of later releases are not those that were
// asked for. Empty: it is not.
std::string unknown_level(const Config& config);

// A default that would be another one at the newest compatibility level, and is in use because nothing is set.
struct LegacyDefault {
    std::string_view name;
    std::string value;  // expanded

    // "using backwards-compatible default setting relay_domains=$mydestination", as Postfix logs it.
    [[nodiscard]] std::string text() const;
};

std::vector<LegacyDefault> legacy_defaults(const Config& config);

}  // namespace posthaste::config
