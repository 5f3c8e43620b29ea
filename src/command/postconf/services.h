// postconf -M, -F, -P: printing and changing master.cf.
#pragma once

#include "command/postconf/parameters.h"

#include <array>
#include <string_view>

namespace posthaste::command::postconf {

// The names of the eight fields, in order, for -F.
inline constexpr std::array<std::string_view, 8> field_names{"service", "type",   "private",       "unprivileged",
                                                             "chroot",  "wakeup", "process_limit", "command"};

// The eight fields of a service as text; the last one holds the command with its arguments.
std::array<std::string, 8> fields_of(const config::MasterService& service);

// "smtp/inet/chroot" against "smtp", "smtp/inet", "*/inet": every part that the pattern has must agree.
bool matches(std::string_view pattern, std::string_view path);

// The services, fields or service parameters that the options ask for.
// Invalid: master.cf has a syntax error, with its line.
Result<Output> print_services(const Options& options);

// -Me -MX -M#, -Fe, -Pe -PX. Services that are not changed stay as they are, layout included.
Result<Output> change_services(const Options& options);

}  // namespace posthaste::command::postconf
