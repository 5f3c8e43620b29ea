// The configuration under which intake works: main.cf with the -o overrides of the cleanup service.
//
// postconf(5) cleanup_service_name names the line of master.cf. A daemon that feeds the pipeline (smtpd -o
// cleanup_service_name=subcleanup) so gets the header checks, limits and tables of that line, never its own options.
#pragma once

#include "config/config.h"

#include <memory>
#include <string>

namespace posthaste::intake {

// own: the calling process's snapshot, whose cleanup_service_name counts. See config::load_for_service().
Result<std::shared_ptr<const config::Config>> load_service_config(const config::Config& own);

}  // namespace posthaste::intake
