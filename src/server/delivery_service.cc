// delivery_service.cc — see delivery_service.h.
#include "server/delivery_service.h"

#include "log/events_delivery.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/services.h"
#include "server/queue_options.h"

namespace posthaste::server {

namespace {

// Where master.cf sets no limit the queue manager's own limits (concurrency, active queue) bound the number.
constexpr std::size_t unlimited = 100'000;

DeliveryOptions options_for(const Context& context)
{
    log::set_delay_resolution(context.config->get(param::delay_logging_resolution_limit));
    return {.concurrency = unlimited,
            .soft_bounce = context.config->get(param::soft_bounce),
            .queue = queue_options(*context.config),
            .socket_directory = "private",
            .bounce_service = context.config->get(param::bounce_service_name),
            .defer_service = context.config->get(param::defer_service_name),
            .trace_service = context.config->get(param::trace_service_name)};
}

}  // namespace

DeliveryService::DeliveryService(Context& context)
    : context_(&context), agent_(options_for(context), [this](JobPtr job) { return deliver(std::move(job)); })
{
    auto filter = OutcomeFilter::open(*context.config, context.process_name);
    if (!filter)
        log::fatal("delivery status filter: {}", filter.error().text());
    agent_.set_filter(std::move(*filter));
}

Task<void> DeliveryService::serve(net::Stream client, net::Endpoint)
{
    if (tasks_.empty()) {
        // Master's limit is known only after this object was made.
        agent_.set_concurrency(context_->client_limit > 0 ? context_->client_limit : unlimited);
        tasks_.start(drain_when_leaving());
    }
    co_await agent_.serve(std::move(client));
}

Task<void> DeliveryService::drain_when_leaving()
{
    // Bounded by the life of the process: leaving is what is waited for.
    static_cast<void>(co_await context_->leave_event.wait(net::Deadline::never()));
    static_cast<void>(co_await agent_.drain(net::Deadline::never()));
}

Task<void> DeliveryService::leaving() { static_cast<void>(co_await agent_.drain(net::Deadline::never())); }

}  // namespace posthaste::server
