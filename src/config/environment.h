// environment.h — the lists of environment variables in main.cf: import_environment, export_environment.
//
// A word is a name, whose value is that of this process, or name=value; { name = value with spaces } is one word.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posthaste::config {

using Variables = std::vector<std::pair<std::string, std::string>>;

// The variables that the list names, each once: the last word counts. A name that this process does not have is left
// out. Programs with one thread, or whose threads leave the environment alone. Invalid: a brace that does not close, or
// braces without name=value.
Result<Variables> listed_variables(std::string_view list);

// What programs outside of the mail system get (export_environment), with a PATH. Invalid: the same.
Result<Variables> exported_variables(std::string_view export_environment);

// Adds a variable, or replaces the one of this name.
void set_variable(Variables& variables, std::string_view name, std::string value);

}  // namespace posthaste::config
