// command_config.cc — see command_config.h.
#include "server/command_config.h"

namespace posthaste::server {

Result<std::shared_ptr<const config::Config>> load_command_config(std::string command, std::string config_directory)
{
    config::LoadOptions options;
    options.config_directory = std::move(config_directory);
    options.process_name = std::move(command);
    options.bad_values = config::BadValues::Collect;
    return config::load(std::move(options));
}

}  // namespace posthaste::server
