// smtp(8), lmtp(8) — delivers over the network. One program; called lmtp it speaks LMTP (RFC 2033).
//
// All deliveries of a transport run in one process as tasks; they share the resolver and the sessions that are kept.
#pragma once

#include "daemon/smtp/session_pool.h"
#include "daemon/smtp/settings.h"
#include "daemon/smtp/targets.h"
#include "dns/resolver.h"
#include "routing/own_addresses.h"
#include "server/delivery_service.h"

#include <memory>
#include <optional>

namespace posthaste::smtp_client {

class Service final : public server::DeliveryService {
public:
    using DeliveryService::DeliveryService;

    // Reads what lies outside of the jail: resolver list, trust anchor, names of ports.
    Result<void> before_jail();
    Task<server::Outcomes> deliver(server::JobPtr job) override;
    Task<void> leaving();

private:
    Settings settings_;
    std::unique_ptr<dns::Resolver> resolver_;
    std::optional<routing::OwnAddresses> own_addresses_;
    std::optional<TargetFinder> finder_;
    std::optional<SessionPool> pool_;
};

}  // namespace posthaste::smtp_client
