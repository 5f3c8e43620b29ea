// postconf -M, -F, -P: printing and changing master.cf.
#pragma once

#include "command/postconf/parameters.h"
#include "config/master_cf.h"

#include <array>
#include <optional>
#include <string_view>

namespace posthaste::command::postconf {

// The names of the eight fields, in order, for -F.
inline constexpr std::array<std::string_view, 8> field_names{"service", "type",   "private",       "unprivileged",
                                                             "chroot",  "wakeup", "process_limit", "command"};

// The eight fields of a service as text; the last one holds the command with its arguments.
std::array<std::string, 8> fields_of(const config::MasterService& service);

// "service/type/item" of an operand; what is left out is "*", which stands for any. A name with a slash in it cannot be
// asked for.
struct Pattern {
    std::string service = "*";
    std::string type = "*";
    std::string item = "*";

    [[nodiscard]] bool matches(const config::MasterService& candidate) const;
    [[nodiscard]] bool matches(const config::MasterService& candidate, std::string_view candidate_item) const;
};

// nullopt: an empty part, or more than there are (two for -M, else three).
std::optional<Pattern> parse_pattern(Mode mode, std::string_view operand);
// Invalid: -F has no such field.
Result<void> check_field(const Pattern& pattern);

// The services, fields or service parameters that the options ask for, in the order of master.cf.
// Invalid: master.cf has a syntax error, with its line; a value that -x cannot expand.
Result<Output> print_services(const Options& options);

// -Me -MX -M#, -Fe, -Pe -PX. Services that are not changed stay as they are, layout included.
Result<Output> change_services(const Options& options);

}  // namespace posthaste::command::postconf
