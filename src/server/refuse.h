// refuse.h — settings that demand what is not built yet. Most planned parameters may be ignored with a warning
// (postfix check); one that protects mail may not: the service refuses to work instead of working without it.
#pragma once

#include "config/config.h"

#include <initializer_list>
#include <string_view>

namespace posthaste::server {

// Unsupported if the parameter has one of these values, or any value when none are listed; the text names it.
Result<void> refuse_setting(const config::Config& config, std::string_view name,
                            std::initializer_list<std::string_view> values = {});

}  // namespace posthaste::server
