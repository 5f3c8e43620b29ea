// The configuration under which intake works, see service_config.h.
#include "intake/service_config.h"

#include "config/master_cf.h"
#include "log/log.h"
#include "param/services.h"

namespace posthaste::intake {

Result<std::shared_ptr<const config::Config>> load_service_config(const config::Config& own)
{
    const std::string& service_name = own.get(param::cleanup_service_name);
    config::LoadOptions options{.config_directory = own.directory(),
                                .overrides = {},
                                .process_name = "cleanup",
                                .service_name = service_name,
                                .bad_values = config::BadValues::Refuse};
    auto master = config::load_master_cf(own.directory());
    if (!master && master.error().kind() != ErrorKind::NotFound)
        log::warning("{}", master.error().text());
    if (master) {
        for (const config::MasterService& service : master->services)
            if (service.name == service_name && service.type == config::ServiceType::Unix)
                options.overrides = service.overrides;
    }
    return config::load(std::move(options));
}

}  // namespace posthaste::intake
