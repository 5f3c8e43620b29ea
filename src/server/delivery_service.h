// delivery_service.h — the Service of a delivery agent: the process skeleton (server.h) on one side, the delivery
// skeleton (delivery_agent.h) on the other. An agent derives from it and writes deliver(); hooks such as before_jail()
// are added where an agent needs them.
//
// One process serves the whole transport: maxproc in master.cf is the number of deliveries under way at once. When
// the process is to leave (reload, stop), it takes no further request, finishes those it has, and ends its
// connections; the queue manager connects to the successor.
#pragma once

#include "net/endpoint.h"
#include "server/context.h"
#include "server/delivery_agent.h"
#include "server/master_protocol.h"

namespace posthaste::server {

class DeliveryService {
public:
    static constexpr ProcessModel process_model = ProcessModel::Clients;

    explicit DeliveryService(Context& context);
    virtual ~DeliveryService() = default;
    DeliveryService(const DeliveryService&) = delete;
    DeliveryService& operator=(const DeliveryService&) = delete;

    // See DeliveryAgent::Deliver.
    virtual Task<Outcomes> deliver(JobPtr job) = 0;

    // One connection of the queue manager (server.h).
    Task<void> serve(net::Stream client, net::Endpoint peer);
    Task<void> leaving();

protected:
    [[nodiscard]] const config::Config& config() const { return *context_->config; }
    [[nodiscard]] Context& context() { return *context_; }

private:
    Task<void> drain_when_leaving();

    Context* context_;
    DeliveryAgent agent_;
    net::TaskGroup tasks_;
};

}  // namespace posthaste::server
