// local(8) — delivers to local users: aliases, .forward, mailboxes, files and commands.
//
// This process keeps root and touches no mailbox: each delivery runs in a child that has become its user for good
// (mailbox/child.h). Addresses elsewhere are handed to the cleanup service as a new message.
#pragma once

#include "daemon/cleanup/protocol.h"
#include "daemon/local/targets.h"
#include "mailbox/delivery.h"
#include "server/delivery_service.h"

#include <memory>

namespace posthaste::local {

class Service final : public server::DeliveryService {
public:
    using DeliveryService::DeliveryService;

    Result<void> before_jail();
    Task<server::Outcomes> deliver(server::JobPtr job) override;

private:
    Task<server::RecipientOutcome> deliver_to(server::JobPtr job, std::size_t recipient);
    Task<dsn::Outcome> deliver_target(server::JobPtr job, std::size_t recipient, Target target);
    Task<dsn::Outcome> deliver_to_mailbox(server::JobPtr job, std::size_t recipient, Target target);
    Task<Result<mailbox::Account>> never_root(mailbox::Account account);
    Task<dsn::Outcome> deliver_to_command(server::JobPtr job, std::size_t recipient, Target target,
                                          std::string command);
    Task<dsn::Outcome> forward(server::JobPtr job, std::size_t recipient, std::vector<std::string> addresses,
                               std::string owner);
    [[nodiscard]] std::string headers(const server::Job& job, std::size_t recipient,
                                      const std::string& delivered_to) const;

    table::Maps aliases_;
    std::unique_ptr<routing::Router> router_;
    std::unique_ptr<ipc::Client> cleanup_;
    mailbox::MboxOptions mbox_;
};

}  // namespace posthaste::local
