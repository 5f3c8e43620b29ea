// pipe(8) — delivers to an external command that a line of master.cf names, as the user that it names.
#pragma once

#include "daemon/pipe/attributes.h"
#include "mailbox/child.h"
#include "server/delivery_service.h"

namespace posthaste::pipe_agent {

class Service final : public server::DeliveryService {
public:
    using DeliveryService::DeliveryService;

    Result<void> before_jail();
    Task<server::Outcomes> deliver(server::JobPtr job) override;

private:
    Task<dsn::Outcome> run(server::JobPtr job);
    [[nodiscard]] std::string headers(const server::Job& job) const;

    Attributes attributes_;
    mailbox::Account account_;
    std::chrono::seconds time_limit_{};
};

}  // namespace posthaste::pipe_agent
