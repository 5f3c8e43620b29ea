// local(8) — delivers to local users: aliases, .forward, mailboxes, files and commands.
//
// This process keeps root and touches no mailbox: each delivery runs in a child that has become its user for good
// (mailbox/child.h). Addresses elsewhere, and users that targets.h hands on, go to the cleanup service as a new
// message.
#pragma once

#include "config/environment.h"
#include "daemon/cleanup/protocol.h"
#include "daemon/local/settled_members.h"
#include "daemon/local/targets.h"
#include "mailbox/delivery.h"
#include "mailbox/turns.h"
#include "server/delivery_service.h"

#include <memory>

namespace posthaste::local {

class Service final : public server::DeliveryService {
public:
    using DeliveryService::DeliveryService;

    Result<void> before_jail();
    Task<server::Outcomes> deliver(server::JobPtr job) override;

private:
    // Members that are handed on, with what they have in common.
    struct NewMessage {
        std::optional<std::string> sender{};  // where a list has an owner; else the sender of the original
        std::string delivered_to{};
        std::vector<std::string> recipients{};
    };

    Task<server::RecipientOutcome> deliver_to(server::JobPtr job, std::size_t recipient);
    Task<std::vector<server::ExpandedOutcome>> deliver_members(server::JobPtr job, std::size_t recipient,
                                                               std::vector<Target> targets);
    Task<dsn::Outcome> told_to_owner(server::JobPtr job, std::string owner, server::ExpandedOutcome member);
    Task<dsn::Outcome> deliver_target(server::JobPtr job, std::size_t recipient, Target target);
    Task<dsn::Outcome> deliver_to_mailbox(server::JobPtr job, std::size_t recipient, Target target);
    Task<void> hand_to_transport(server::JobPtr job, std::size_t recipient, Target target,
                                 server::ExpandedOutcome* member);
    Task<Result<std::string>> mailbox_command_of(ScopePtr scope);
    static Task<std::optional<dsn::Outcome>> home_is_missing(mailbox::Account account);
    Task<Result<mailbox::Account>> never_root(mailbox::Account account);
    Task<dsn::Outcome> deliver_to_command(server::JobPtr job, std::size_t recipient, Target target,
                                          std::string command);
    [[nodiscard]] Result<config::Variables> environment(const server::Job& job, std::size_t recipient,
                                                        const Scope& scope) const;
    void add_to_new_message(std::vector<NewMessage>& messages, const std::string& recipient,
                            const Target& target) const;
    Task<dsn::Outcome> submit(server::JobPtr job, std::size_t recipient, NewMessage message);
    [[nodiscard]] bool prepends_delivered_to(std::string_view context) const;
    [[nodiscard]] std::string delivered_to(const std::string& recipient, const Scope& scope) const;
    [[nodiscard]] std::string headers(const server::Job& job, std::size_t recipient, const Scope& scope,
                                      std::string_view context) const;

    Tables tables_;
    table::Maps mailbox_commands_;  // mailbox_command_maps
    std::unique_ptr<routing::Router> router_;
    std::unique_ptr<ipc::Client> cleanup_;
    mailbox::MboxOptions mbox_;
    server::MailSystemRights forbidden_;  // for commands and files of root and of nobody
    mailbox::Turns turns_;
    SettledMembers settled_;
};

}  // namespace posthaste::local
