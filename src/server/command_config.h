// command_config.h — main.cf for a command that an administrator runs.
//
// It must be of use while main.cf is being mended: a value that is not valid does not stop it, its default counts.
// postfix check and postconf report such values.
#pragma once

#include "config/config.h"

#include <memory>
#include <string>

namespace posthaste::server {

// config_directory: the -c option, empty if there was none. Errors as of config::load().
Result<std::shared_ptr<const config::Config>> load_command_config(std::string command, std::string config_directory);

}  // namespace posthaste::server
