// postconf(5) receive_override_options: what is left out for mail that a service receives.
#pragma once

#include "config/config.h"

namespace posthaste::intake {

struct ReceiveOverrides {
    bool no_unknown_recipient_checks = false;
    bool no_address_mappings = false;
    bool no_header_body_checks = false;
    bool no_milters = false;
};

ReceiveOverrides receive_overrides(const config::Config& config);

}  // namespace posthaste::intake
