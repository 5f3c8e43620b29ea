// service_config.cc — see service_config.h.
#include "intake/service_config.h"

#include "config/service_config.h"
#include "param/services.h"

namespace posthaste::intake {

Result<std::shared_ptr<const config::Config>> load_service_config(const config::Config& own)
{
    return config::load_for_service(own, own.get(param::cleanup_service_name), "cleanup");
}

}  // namespace posthaste::intake
