// smtp(8), lmtp(8) — delivers over the network. One program; called lmtp it speaks LMTP (RFC 2033).
//
// All deliveries of a transport run in one process as tasks; they share the resolver and the sessions that are kept.
#pragma once

#include "daemon/smtp/client.h"
#include "server/delivery_service.h"

#include <memory>

namespace posthaste::smtp_client {

class Service final : public server::DeliveryService {
public:
    using DeliveryService::DeliveryService;

    // Reads what lies outside of the jail: resolver list, trust anchor, names of ports.
    Result<void> before_jail();
    Task<server::Outcomes> deliver(server::JobPtr job) override;
    Task<void> leaving();

private:
    std::unique_ptr<Client> client_;
};

}  // namespace posthaste::smtp_client
