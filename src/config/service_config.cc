// service_config.cc — see service_config.h.
#include "config/service_config.h"

#include "config/master_cf.h"

#include <fmt/format.h>

namespace posthaste::config {

Result<std::shared_ptr<const Config>> load_for_service(const Config& own, const std::string& service_name,
                                                       const std::string& program)
{
    LoadOptions options{.config_directory = own.directory(),
                        .overrides = {},
                        .process_name = program,
                        .service_name = service_name,
                        .bad_values = BadValues::Refuse};
    auto lines = load_master_cf_lines(own.directory());
    if (!lines && lines.error().kind() == ErrorKind::NotFound)
        return load_again(own, std::move(options));
    if (!lines)
        return fail(std::move(lines).error());
    if (const MasterService* service = find_service(lines->good.services, service_name, ServiceType::Unix))
        options.overrides = service->overrides;
    else if (!lines->errors.empty())  // which may be in the line that is meant
        return fail(ErrorKind::Invalid,
                    fmt::format("{}: {}", lines->errors.front().place.text(), lines->errors.front().text));
    return load_again(own, std::move(options));
}

}  // namespace posthaste::config
