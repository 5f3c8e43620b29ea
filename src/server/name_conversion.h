// name_conversion.h — how this process converts domain names that are not ASCII (postconf(5)
// enable_idna2003_compatibility). Values of main.cf with ${domain_to_ascii{..}} are converted the newer way always.
#pragma once

#include "config/config.h"

namespace posthaste::server {

// At the start, before names are converted.
void set_name_conversion(const config::Config& config);

}  // namespace posthaste::server
