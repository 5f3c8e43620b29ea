// snapshot.cc — see snapshot.h.
#include "daemon/qmgr/snapshot.h"

#include "address/local_part.h"
#include "log/log.h"
#include "param/bounce.h"
#include "param/cleanup.h"
#include "param/qmgr.h"
#include "param/services.h"
#include "routing/content_filter.h"

namespace posthaste::qmgr {

QueueManager::Snapshot::Snapshot(ConfigPtr new_config, const Surroundings& surroundings)
    : config(std::move(new_config)),
      bounce(surroundings.private_directory + "/" + config->get(param::bounce_service_name), bounce::bounce_protocol),
      defer(surroundings.private_directory + "/" + config->get(param::defer_service_name), bounce::bounce_protocol),
      trace(surroundings.private_directory + "/" + config->get(param::trace_service_name), bounce::bounce_protocol)
{
}

Result<std::shared_ptr<QueueManager::Snapshot>> QueueManager::Snapshot::make(ConfigPtr config,
                                                                             const Surroundings& surroundings)
{
    auto snapshot = std::make_shared<Snapshot>(config, surroundings);
    TRY(snapshot->router, routing::Router::open(config, routing::Purpose::Routing));
    for (std::string_view name : split(config->get(param::defer_transports), ", \t\r\n"))
        snapshot->defer_transports.emplace(name);
    snapshot->double_bounce_sender = config->get(param::double_bounce_sender);
    snapshot->default_filter_nexthop = config->get(param::default_filter_nexthop);
    snapshot->active_limit = static_cast<std::size_t>(config->get(param::qmgr_message_active_limit));
    snapshot->recipient_limit = static_cast<std::size_t>(config->get(param::qmgr_message_recipient_limit));
    snapshot->recipient_minimum = static_cast<std::size_t>(config->get(param::qmgr_message_recipient_minimum));
    snapshot->backoff = {.minimum = config->get(param::minimal_backoff_time),
                         .maximum = config->get(param::maximal_backoff_time)};
    snapshot->queue_run_delay = config->get(param::queue_run_delay);
    snapshot->lifetime = config->get(param::maximal_queue_lifetime);
    snapshot->bounce_lifetime = config->get(param::bounce_queue_lifetime);
    if (snapshot->bounce_lifetime > snapshot->lifetime) {
        log::warning("bounce_queue_lifetime is larger than maximal_queue_lifetime - adjusting bounce_queue_lifetime");
        snapshot->bounce_lifetime = snapshot->lifetime;
    }
    snapshot->delay_warning_time = config->get(param::delay_warning_time);
    snapshot->confirm_delay_cleared = config->get(param::confirm_delay_cleared);
    snapshot->ipc_timeout = config->get(param::qmgr_ipc_timeout);
    return snapshot;
}

void QueueManager::Snapshot::apply_filter(const std::string& filter, routing::Route* route) const
{
    routing::apply_filter(filter, default_filter_nexthop, route);
}

bool QueueManager::Snapshot::is_double_bounce(const routing::Route& route) const
{
    return route.address_class == routing::AddressClass::Local && !route.malformed &&
           equal_ignoring_case(address::split_at_domain(route.recipient).local_part, double_bounce_sender);
}

}  // namespace posthaste::qmgr
