// The command line of postconf(1) as a value.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace posthaste::command::postconf {

enum class Mode : std::uint8_t {
    Parameters,         // main.cf
    Services,           // -M
    Fields,             // -F
    ServiceParameters,  // -P
    LockTypes,          // -l
    TableTypes,         // -m
    Templates,          // -t
    TemplateTexts,      // -b
    ServerLoginTypes,   // -a
    ClientLoginTypes,   // -A
    TlsFeature,         // -T
};

enum class Change : std::uint8_t { None, Set, Remove, CommentOut };  // -e, -X, -#

// Classes of parameters (-C).
enum class Class : std::uint8_t { Builtin, Service, User };

struct Options {
    Mode mode = Mode::Parameters;
    Change change = Change::None;
    std::string config_directory;
    bool defaults = false;     // -d
    bool only_set = false;     // -n
    bool expand = false;       // -x
    bool fold = false;         // -f
    bool hide_names = false;   // -h
    bool hide_values = false;  // -H
    bool json = false;         // -j
    bool quiet = false;        // -q: no warnings
    bool unset_too = false;    // -PP: parameters that no -o option of the service sets, too
    std::string tls_feature;   // -T: which one
    std::set<Class> classes{Class::Builtin, Class::Service, Class::User};
    std::vector<std::pair<std::string, std::string>> overrides;  // -o
    std::vector<std::string> operands;
};

// Options end at the first operand. Invalid: unknown options (getopt(3) has said which), options that do not go
// together.
Result<Options> parse_options(std::vector<std::string> arguments);

}  // namespace posthaste::command::postconf
