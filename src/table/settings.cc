// settings.cc — see settings.h.
#include "table/settings.h"

#include "config/declaration.h"
#include "param/basics.h"
#include "param/local.h"
#include "param/services.h"
#include "param/tables.h"

#include <algorithm>
#include <array>

namespace posthaste::table {

namespace {

OpenOptions& current()
{
    static OpenOptions options;
    return options;
}

ProxyUser proxy_user = ProxyUser::Itself;  // of this process

StaleIndex stale_index_action(const config::Config& config)
{
    const std::string& value = config.get(param::stale_index_action);
    return value == "ignore" ? StaleIndex::Ignore : value == "rebuild" ? StaleIndex::Rebuild : StaleIndex::Warn;
}

OpenOptions options_of(std::shared_ptr<const config::Config> main_cf, ProxyUser user)
{
    const config::Config& config = *main_cf;
    OpenOptions options;
    options.stale_index = stale_index_action(config);
    options.berkeley_db_read_buffer_size = static_cast<std::size_t>(config.get(param::berkeley_db_read_buffer_size));
    options.socketmap_max_query_size = static_cast<std::size_t>(config.get(param::socketmap_max_query_size));
    options.socketmap_max_reply_size = static_cast<std::size_t>(config.get(param::socketmap_max_reply_size));
    options.alias_database = config.get(param::alias_database);
    const std::string socket = "private/" + config.get(param::proxymap_service_name);
    if (user == ProxyUser::Service)
        options.proxymap_socket = socket;
    else if (user == ProxyUser::Command)
        options.proxymap_socket = config.get(param::queue_directory) + "/" + socket;
    options.main_cf = std::move(main_cf);
    return options;
}

}  // namespace

const OpenOptions& process_options() { return current(); }

OpenOptions options_for(std::string_view parameter)
{
    constexpr std::array<std::string_view, 9> plain = {
        "alias_maps",
        "fallback_transport_maps",
        "mailbox_transport_maps",
        "sender_dependent_default_transport_maps",
        "sender_dependent_relayhost_maps",
        "transport_maps",
        "virtual_gid_maps",
        "virtual_mailbox_maps",
        "virtual_uid_maps",
    };
    return process_options(std::ranges::find(plain, parameter) != plain.end() ? Substitutions::Refused
                                                                              : Substitutions::Allowed);
}

Result<Maps> open_maps(const config::Config& config, config::Parameter<std::string> parameter)
{
    return Maps::open(config.get(parameter), options_for(config::declarations()[parameter.slot].name));
}

OpenOptions process_options(Substitutions substitutions)
{
    OpenOptions options = current();
    options.substitutions = substitutions;
    return options;
}

void use_main_cf(std::shared_ptr<const config::Config> config, ProxyUser user)
{
    current() = options_of(std::move(config), user);
    proxy_user = user;
}

void use_new_main_cf(std::shared_ptr<const config::Config> config) { use_main_cf(std::move(config), proxy_user); }

OptionsScope OptionsScope::enter(std::shared_ptr<const config::Config> config)
{
    return OptionsScope(std::exchange(current(), options_of(std::move(config), proxy_user)));
}

OptionsScope::~OptionsScope()
{
    if (before_)
        current() = std::move(*before_);
}

}  // namespace posthaste::table
