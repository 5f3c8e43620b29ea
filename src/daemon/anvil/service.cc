// anvil — see service.h.
#include "daemon/anvil/service.h"

#include "log/log.h"
#include "param/process.h"

#include <ctime>
#include <unordered_map>

namespace posthaste::anvil {

Service::Service(server::Context& context)
    : context_(&context), counters_(context.config->get(param::anvil_rate_time_unit))
{
}

Result<void> Service::after_jail()
{
    tasks_.start(keep_statistics(context_->config->get(param::anvil_status_update_time)));
    return {};
}

Task<void> Service::serve(net::Stream client, net::Endpoint)
{
    constexpr auto patience = std::chrono::seconds(30);
    ipc::Connection connection(std::move(client));
    if (!co_await connection.handshake(protocol, net::Deadline::after(patience)))
        co_return;
    std::unordered_map<std::string, int> connections;  // reported by this caller and not ended yet
    for (;;) {
        // A caller without clients has nothing to say for as long as it likes.
        auto request = co_await connection.receive<Request>(net::Deadline::never());
        if (!request)
            break;
        Reply reply = counters_.record(*request, net::Clock::now(), std::time(nullptr));
        if (request->event == Event::Connect)
            ++connections[Counters::key_of(*request)];
        else if (request->event == Event::Disconnect && --connections[Counters::key_of(*request)] <= 0)
            connections.erase(Counters::key_of(*request));
        if (!co_await connection.send(reply, net::Deadline::after(patience)))
            break;
    }
    for (const auto& [key, count] : connections)
        counters_.drop_connections(key, count);
}

void Service::log_statistics()
{
    for (const std::string& line : counters_.take_statistics())
        log::info("statistics: {}", line);
}

Task<void> Service::keep_statistics(std::chrono::seconds interval)
{
    for (;;) {
        co_await net::sleep_for(interval);
        log_statistics();
        counters_.expire(net::Clock::now());
    }
}

Task<void> Service::leaving()
{
    log_statistics();
    co_return;
}

}  // namespace posthaste::anvil
