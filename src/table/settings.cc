// settings.cc — see settings.h.
#include "table/settings.h"

#include "param/basics.h"
#include "param/local.h"
#include "param/services.h"
#include "param/tables.h"
#include "table/main_cf.h"

#include <fmt/format.h>

namespace posthaste::table {

namespace {

OpenOptions& current()
{
    static OpenOptions options;
    return options;
}

Result<StaleIndex> parse_stale_index(std::string_view value)
{
    if (value == "ignore")
        return StaleIndex::Ignore;
    if (value == "warn")
        return StaleIndex::Warn;
    if (value == "rebuild")
        return StaleIndex::Rebuild;
    return fail(ErrorKind::Invalid, fmt::format("stale_index_action = {}: expected warn, rebuild or ignore", value));
}

}  // namespace

const OpenOptions& process_options() { return current(); }
void use_options(OpenOptions options) { current() = std::move(options); }

Result<void> use_main_cf(const std::shared_ptr<const config::Config>& config, ProxyUser user)
{
    TRY(OpenOptions options, options_of(*config, user));
    use_options(std::move(options));
    set_main_cf(config);
    return {};
}

Result<OpenOptions> options_of(const config::Config& config, ProxyUser user)
{
    OpenOptions options;
    TRY(options.stale_index, parse_stale_index(config.get(param::stale_index_action)));
    options.berkeley_db_read_buffer_size = static_cast<std::size_t>(config.get(param::berkeley_db_read_buffer_size));
    options.socketmap_max_query_size = static_cast<std::size_t>(config.get(param::socketmap_max_query_size));
    options.socketmap_max_reply_size = static_cast<std::size_t>(config.get(param::socketmap_max_reply_size));
    options.alias_database = config.get(param::alias_database);
    const std::string socket = "private/" + config.get(param::proxymap_service_name);
    if (user == ProxyUser::Service)
        options.proxymap_socket = socket;
    else if (user == ProxyUser::Command)
        options.proxymap_socket = config.get(param::queue_directory) + "/" + socket;
    return options;
}

}  // namespace posthaste::table
