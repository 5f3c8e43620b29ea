// service_config.h — the configuration of another service of the same mail system: what a process needs that does the
// work of cleanup or trivial-rewrite itself.
#pragma once

#include "config/config.h"

#include <memory>
#include <string>

namespace posthaste::config {

// main.cf as `own` has it, with the -o overrides of the unix service of this name in master.cf, and without those of
// the calling process. Without a master.cf, or where it has no such service, main.cf alone. Denied, Io: master.cf
// cannot be read; the options that it may have must not be left out. Invalid: a line of master.cf is wrong and may be
// the one that is meant, or an override has a bad value.
Result<std::shared_ptr<const Config>> load_for_service(const Config& own, const std::string& service_name,
                                                       const std::string& program);

// main.cf as far as it can be read: broken lines are left out, bad values collected. For who has only to say, where the
// log is, what is wrong. Errors as of load_main_cf_lines().
Result<std::shared_ptr<const Config>> load_what_can_be_read(LoadOptions options);

// main.cf as `config` has it, under other overrides. Nothing is read but the files that values name.
Result<std::shared_ptr<const Config>> load_again(const Config& config, LoadOptions options);

}  // namespace posthaste::config
