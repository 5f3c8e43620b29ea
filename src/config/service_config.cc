// service_config.cc — see service_config.h.
#include "config/service_config.h"

#include "config/master_cf.h"
#include "log/log.h"

namespace posthaste::config {

Result<std::shared_ptr<const Config>> load_for_service(const Config& own, const std::string& service_name,
                                                       const std::string& program)
{
    LoadOptions options{.config_directory = own.directory(),
                        .overrides = {},
                        .process_name = program,
                        .service_name = service_name,
                        .bad_values = BadValues::Refuse};
    auto master = load_master_cf(own.directory());
    if (!master && master.error().kind() != ErrorKind::NotFound)
        log::warning("{}", master.error().text());
    if (master) {
        for (const MasterService& service : master->services)
            if (service.name == service_name && service.type == ServiceType::Unix)
                options.overrides = service.overrides;
    }
    return load_again(own, std::move(options));
}

}  // namespace posthaste::config
