// discard(8) — accepts every recipient and keeps nothing. Used to drop mail on purpose (transport_maps, DISCARD in a
// pattern table); the nexthop is the reason that is logged.
#pragma once

#include "server/delivery_service.h"

namespace posthaste::discard {

class Service final : public server::DeliveryService {
public:
    using DeliveryService::DeliveryService;
    Task<server::Outcomes> deliver(server::JobPtr job) override;
};

}  // namespace posthaste::discard
