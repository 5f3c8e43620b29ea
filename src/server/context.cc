// context.cc — see context.h.
#include "server/context.h"

namespace posthaste::server {

config::LoadOptions Context::load_options() const
{
    config::LoadOptions options;
    options.config_directory = config->directory();
    options.overrides = overrides;
    options.process_name = process_name;
    options.service_name = service_name;
    return options;
}

void Context::leave(Leaving how)
{
    if (how <= leaving_)
        return;
    leaving_ = how;
    if (on_leave_)
        on_leave_();
}

}  // namespace posthaste::server
