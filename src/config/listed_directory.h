// Which directories of a main.cf, other than the default one, the administrator allows to set-gid programs.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace posthaste::config {

// Set-gid programs run for everybody: a stranger's main.cf must not make them open the stranger's files. `main_cf` is
// the text of the default main.cf, `file` its name in errors; its alternate_config_directories and
// multi_instance_directories list what is permitted (postconf(5)). Denied: not this directory. Invalid: the syntax.
Result<void> check_listed(const std::string& directory, std::string_view main_cf, const std::string& file);

}  // namespace posthaste::config
