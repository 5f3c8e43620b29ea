// pipe(8) — delivers to an external command that a line of master.cf names, as the user that it names.
#pragma once

#include "daemon/pipe/attributes.h"
#include "mailbox/child.h"
#include "mailbox/command.h"
#include "server/delivery_service.h"

namespace posthaste::pipe_agent {

class Service final : public server::DeliveryService {
public:
    using DeliveryService::DeliveryService;

    Result<void> before_jail();
    Task<server::Outcomes> deliver(server::JobPtr job) override;

private:
    Task<dsn::Outcome> run(server::JobPtr job);
    [[nodiscard]] Result<mailbox::Command> command(const server::Job& job) const;
    [[nodiscard]] std::string input(const server::Job& job) const;
    [[nodiscard]] std::string headers(const server::Job& job) const;
    // The values of macros in argv=; none: no such macro.
    [[nodiscard]] std::optional<std::string> message_macro(const server::Job& job, std::string_view name) const;
    [[nodiscard]] std::optional<std::string> recipient_macro(const server::JobRecipient& recipient,
                                                             std::string_view name) const;

    Attributes attributes_;
    mailbox::Account account_;
    std::chrono::seconds time_limit_{};
};

}  // namespace posthaste::pipe_agent
