// error(8) — returns every recipient to the sender, or puts it off when the service in master.cf is called "retry".
// The nexthop is the reason, with an optional enhanced status code in front ("5.1.1 No such user here").
#pragma once

#include "server/delivery_service.h"

#include <string_view>

namespace posthaste::error {

// What becomes of a recipient, for the service name and the nexthop.
dsn::Outcome outcome_for(std::string_view service_name, std::string_view nexthop);

class Service final : public server::DeliveryService {
public:
    using DeliveryService::DeliveryService;
    Task<server::Outcomes> deliver(server::JobPtr job) override;
};

}  // namespace posthaste::error
