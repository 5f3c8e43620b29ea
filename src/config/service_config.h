// service_config.h — the configuration of another service of the same mail system: what a process needs that does the
// work of cleanup or trivial-rewrite itself.
#pragma once

#include "config/config.h"

#include <memory>
#include <string>

namespace posthaste::config {

// main.cf as `own` has it, with the -o overrides of the unix service of this name in master.cf, and without those of
// the calling process. A master.cf that cannot be read (a warning, unless there is none) or has no such service gives
// main.cf alone. Invalid: an override has a bad value.
Result<std::shared_ptr<const Config>> load_for_service(const Config& own, const std::string& service_name,
                                                       const std::string& program);

// main.cf as `config` has it, under other overrides. Nothing is read but the files that values name.
Result<std::shared_ptr<const Config>> load_again(const Config& config, LoadOptions options);

}  // namespace posthaste::config
