// service.cc — see service.h.
#include "daemon/local/service.h"

#include "address/fold.h"
#include "address/local_part.h"
#include "base/text.h"
#include "daemon/local/recipient_names.h"
#include "mailbox/command.h"
#include "mailbox/content.h"
#include "param/basics.h"
#include "param/local.h"
#include "param/services.h"
#include "routing/unwrap.h"
#include "server/hand_over.h"
#include "table/settings.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fmt/format.h>
#include <iterator>
#include <sys/stat.h>

namespace posthaste::local {

namespace {

constexpr std::string_view relay = "local";
constexpr std::chrono::seconds stat_time_limit{60};

// The worst of several outcomes decides for the recipient: deferred before bounced before delivered. A failure that an
// owner was told of is settled.
dsn::Outcome outcome_of(const std::vector<server::ExpandedOutcome>& members)
{
    auto rank = [](const server::ExpandedOutcome& member) {
        return member.outcome.action == dsn::Action::Deferred  ? 3
               : member.outcome.action == dsn::Action::Bounced ? (member.has_owner ? 0 : 2)
                                                               : 1;
    };
    auto worst = std::ranges::max_element(members, {}, rank);
    if (worst == members.end())
        return {};
    if (rank(*worst) > 0)
        return worst->outcome;
    return dsn::Outcome::delivered({2, 0, 0}, "the owner of the list was told of the failure", std::string(relay));
}

// What a member is called among those of its recipient.
std::string name_of(const Target& target)
{
    return fmt::format("{} {} {} {}", static_cast<int>(target.kind), target.scope->account.uid, target.scope->address,
                       target.kind == TargetKind::Problem ? target.problem.text : target.text);
}

// local(8): what is known of the SMTP client and its login. A user who called sendmail is no client.
config::Variables client_variables(const queue::Envelope& envelope)
{
    const queue::Client& client = envelope.client;
    config::Variables variables{{"ENVID", envelope.dsn_envid}};
    if (envelope.origin != queue::Origin::Sendmail)
        variables.insert(variables.end(), {
                                              {"CLIENT_ADDRESS", client.address},
                                              {"CLIENT_HELO", client.helo},
                                              {"CLIENT_HOSTNAME", client.name},
                                              {"CLIENT_PROTOCOL", client.protocol},
                                              {"SASL_METHOD", client.sasl_method},
                                              {"SASL_SENDER", client.sasl_sender},
                                              {"SASL_USERNAME", client.sasl_username},
                                          });
    std::erase_if(variables, [](const auto& variable) { return variable.second.empty(); });
    return variables;
}

}  // namespace

Result<void> Service::before_jail()
{
    TRY(tables_.aliases, AliasTables::open(config()));
    TRY(tables_.mailbox_transport, table::open_maps(config(), param::mailbox_transport_maps));
    TRY(tables_.fallback_transport, table::open_maps(config(), param::fallback_transport_maps));
    TRY(mailbox_commands_, table::open_maps(config(), param::mailbox_command_maps));
    TRY(router_, routing::Router::open(context().config, routing::Purpose::Routing));
    cleanup_ =
        std::make_unique<ipc::Client>("public/" + config().get(param::cleanup_service_name), cleanup::cleanup_protocol);
    TRY(mbox_.locks, mailbox::parse_lock_methods(config().get(param::mailbox_delivery_lock)));
    mbox_.lock_attempts = static_cast<int>(config().get(param::deliver_lock_attempts));
    mbox_.lock_delay = config().get(param::deliver_lock_delay);
    mbox_.stale_lock = config().get(param::stale_lock_time);
    mbox_.size_limit = config().get(param::mailbox_size_limit);
    mbox_.require_owner = config().get(param::strict_mailbox_ownership);
    forbidden_ = server::MailSystemRights::of(config());
    return {};
}

Task<server::Outcomes> Service::deliver(server::JobPtr job)
{
    server::Outcomes outcomes;
    for (std::size_t i = 0; i < job->recipients().size(); ++i)
        outcomes.push_back(co_await deliver_to(job, i));
    co_return outcomes;
}

Task<server::RecipientOutcome> Service::deliver_to(server::JobPtr job, std::size_t recipient)
{
    server::RecipientOutcome settled{.recipient = recipient};
    Expansion expansion(config(), tables_, *router_, forbidden_,
                        mailbox::delivered_to_addresses(job->message().content()));
    auto targets = co_await expansion.expand(job->recipients()[recipient].address);
    if (!targets) {
        settled.outcome = dsn::Outcome::deferred({4, 3, 0}, targets.error().text(), std::string(relay));
        co_return settled;
    }
    if (targets->empty()) {
        settled.outcome = dsn::Outcome::bounced({5, 3, 5}, "alias without destination", std::string(relay));
        co_return settled;
    }
    const bool is_list = targets->size() > 1 || targets->front().kind == TargetKind::Forward ||
                         targets->front().scope->address != job->recipients()[recipient].address;
    const bool has_owner =
        std::ranges::all_of(*targets, [](const Target& target) { return target.scope->owner.has_value(); });
    settled.expanded = co_await deliver_members(job, recipient, std::move(*targets));
    settled.outcome = outcome_of(settled.expanded);
    // RFC 3461 5.2.7: the sender of mail to a list with an owner hears that the list has got it, and no more.
    if (is_list && settled.outcome.action == dsn::Action::Delivered && !job->verify_only()) {
        settled.outcome.action = has_owner ? dsn::Action::Delivered : dsn::Action::Expanded;
        settled.outcome.text = "alias expanded";
    }
    co_return settled;
}

// First what this process can deliver itself. What is handed on comes last, when nothing else is put off any more: the
// new message is made once.
Task<std::vector<server::ExpandedOutcome>> Service::deliver_members(server::JobPtr job, std::size_t recipient,
                                                                    std::vector<Target> targets)
{
    std::vector<server::ExpandedOutcome> done;
    const SettledMembers::Recipient key{job->envelope().queue_id, job->recipients()[recipient].index};
    const SettledMembers::Members before = settled_.take(key);
    SettledMembers::Members known = before;
    std::vector<NewMessage> new_messages;
    auto settled_before = [&](const std::string& name, server::ExpandedOutcome& member) {
        auto earlier = before.find(name);
        if (earlier == before.end())
            return false;
        member.outcome = earlier->second;
        member.is_known = true;
        done.push_back(std::move(member));
        return true;
    };
    auto settle = [&](const std::string& name, server::ExpandedOutcome member) {
        if (!member.is_known)
            member.outcome.relay = relay;
        if (member.outcome.is_final())
            known.emplace(name, member.outcome);
        done.push_back(std::move(member));
    };
    for (Target& target : targets) {
        if (target.kind == TargetKind::Forward && !job->verify_only()) {
            add_to_new_message(new_messages, job->recipients()[recipient].address, target);
            continue;
        }
        const std::string name = name_of(target);
        server::ExpandedOutcome member{.address =
                                           target.kind == TargetKind::Forward ? target.text : target.scope->address,
                                       .has_owner = target.scope->owner.has_value()};
        if (settled_before(name, member))
            continue;
        const ScopePtr scope = target.scope;
        if (target.kind == TargetKind::Transport)
            co_await hand_to_transport(job, recipient, std::move(target), &member);
        else
            member.outcome = co_await deliver_target(job, recipient, std::move(target));
        if (member.outcome.action == dsn::Action::Bounced && scope->owner)
            member.outcome = co_await told_to_owner(job, *scope->owner, member);
        settle(name, std::move(member));
    }
    if (outcome_of(done).is_final() || done.empty()) {
        for (NewMessage& message : new_messages) {
            const std::string name = "new message " + message.sender.value_or("") + " " + message.delivered_to;
            server::ExpandedOutcome member{.address = job->recipients()[recipient].address};
            if (settled_before(name, member))
                continue;
            member.outcome = co_await submit(job, recipient, std::move(message));
            settle(name, std::move(member));
        }
    }
    if (!outcome_of(done).is_final())
        settled_.keep(key, std::move(known));
    co_return done;
}

// What failed for good is final once its owner has been told.
Task<dsn::Outcome> Service::told_to_owner(server::JobPtr job, std::string owner, server::ExpandedOutcome member)
{
    if (job->verify_only())
        co_return std::move(member.outcome);
    member.outcome.relay = relay;
    if (config().get(param::soft_bounce))
        co_return dsn::Outcome::deferred(member.outcome.code.with_class(4), member.outcome.text);
    dsn::Outcome outcome = member.outcome;
    if (!co_await job->report_to_owner(std::move(owner), std::move(member)))
        co_return dsn::Outcome::deferred({4, 3, 0}, "bounce or trace service failure");
    co_return outcome;
}

Task<dsn::Outcome> Service::deliver_target(server::JobPtr job, std::size_t recipient, Target target)
{
    if (target.kind == TargetKind::Problem)
        co_return target.problem;
    if (target.scope->of_user() && config().get(param::require_home_directory))
        if (auto missing = co_await home_is_missing(target.scope->account))
            co_return std::move(*missing);
    if (job->verify_only())
        co_return dsn::Outcome::delivered({2, 0, 0},
                                          target.kind == TargetKind::Command   ? "delivers to command: " + target.text
                                          : target.kind == TargetKind::File    ? "delivers to file: " + target.text
                                          : target.kind == TargetKind::Forward ? "forwards to " + target.text
                                                                               : std::string("delivers to mailbox"));
    if (target.kind == TargetKind::Command) {
        std::string command = target.text;
        co_return co_await deliver_to_command(job, recipient, std::move(target), std::move(command));
    }
    if (target.kind == TargetKind::Mailbox) {
        auto command = co_await mailbox_command_of(target.scope);
        if (!command)
            co_return dsn::Outcome::deferred({4, 3, 0}, command.error().text());
        if (!command->empty())
            co_return co_await deliver_to_command(job, recipient, std::move(target), std::move(*command));
    }
    co_return co_await deliver_to_mailbox(job, recipient, std::move(target));
}

// postconf(5) mailbox_command_maps, mailbox_command. Empty: mail goes to the mailbox.
Task<Result<std::string>> Service::mailbox_command_of(ScopePtr scope)
{
    if (!mailbox_commands_.empty()) {
        CO_TRY(auto found, co_await mailbox_commands_.find(scope->name));
        if (found)
            co_return std::move(*found);
    }
    co_return config().get(param::mailbox_command);
}

// Asked as the user: root may not see into a directory that another machine exports.
Task<std::optional<dsn::Outcome>> Service::home_is_missing(mailbox::Account account)
{
    const std::string home = account.home;
    dsn::Outcome outcome = co_await mailbox::run_as(std::move(account), stat_time_limit, [home] {
        struct stat status{};
        if (::stat(home.c_str(), &status) == 0)
            return dsn::Outcome::delivered({2, 0, 0}, "exists");
        return dsn::Outcome::deferred({4, 3, 0}, Error::system(errno, "cannot access home directory " + home).text());
    });
    co_return outcome.is_final() ? std::optional<dsn::Outcome>() : std::optional(std::move(outcome));
}

// postconf(5) mailbox_transport, fallback_transport: the other agent delivers and logs.
Task<void> Service::hand_to_transport(server::JobPtr job, std::size_t recipient, Target target,
                                      server::ExpandedOutcome* member)
{
    const routing::TransportAndNexthop to = routing::parse_transport(target.text);
    server::HandOver hand{.transport = to.transport,
                          .nexthop = to.nexthop,
                          .sender = target.scope->owner ? *target.scope->owner : job->sender(),
                          .recipients = {{recipient, target.scope->address}}};
    std::vector<server::HandedOutcome> handed = co_await server::hand_over(job, std::move(hand));
    member->outcome = std::move(handed.front().outcome);
    member->is_known = handed.front().is_logged;
}

bool Service::prepends_delivered_to(std::string_view context) const
{
    return std::ranges::any_of(split(config().get(param::prepend_delivered_header), ", \t\r\n"),
                               [&](std::string_view word) { return word == context; });
}

// postconf(5) frozen_delivered_to: the address that mail came with, or the one that is being delivered to.
std::string Service::delivered_to(const std::string& recipient, const Scope& scope) const
{
    return config().get(param::frozen_delivered_to) ? recipient : scope.address;
}

std::string Service::headers(const server::Job& job, std::size_t recipient, const Scope& scope,
                             std::string_view context) const
{
    const server::JobRecipient& original = job.recipients()[recipient];
    const std::string to = delivered_to(original.address, scope);
    mailbox::DeliveryHeaders headers{.return_path = scope.owner ? *scope.owner : job.sender()};
    if (!scope.owner)
        headers.original_to = original.envelope->original_address();
    if (prepends_delivered_to(context))
        headers.delivered_to = to;
    return mailbox::delivery_headers(headers);
}

// A user's mailbox, or a file that an alias names; a path that ends in '/' is a maildir.
Task<dsn::Outcome> Service::deliver_to_mailbox(server::JobPtr job, std::size_t recipient, Target target)
{
    bool is_file = target.kind == TargetKind::File;
    const Scope& scope = *target.scope;
    const mailbox::Account& account = scope.account;
    mailbox::Delivery delivery;
    gid_t spool_group = static_cast<gid_t>(-1);
    if (is_file) {
        delivery.path = target.text;
    } else if (const std::string& home_mailbox = config().get(param::home_mailbox); !home_mailbox.empty()) {
        delivery.path = account.home + "/" + home_mailbox;
    } else {
        const std::string& spool = config().get(param::mail_spool_directory);
        delivery.path = spool.ends_with('/') ? spool + account.name + "/" : spool + "/" + account.name;
        struct stat status{};
        if (::stat(spool.c_str(), &status) == 0 && (status.st_mode & S_IWGRP))
            spool_group = status.st_gid;  // Debian's /var/mail: group mail may make lock files
    }
    delivery.user = account.name;
    delivery.from_line = mailbox::from_line(scope.owner ? *scope.owner : job->sender());
    delivery.headers = headers(*job, recipient, scope, "file");
    delivery.content = job->message().content();
    mailbox::MboxOptions options = mbox_;
    if (is_file)
        options.require_owner = false;
    std::string host = config().get(param::myhostname);
    auto user = is_file ? co_await never_root(account) : Result<mailbox::Account>(account);
    if (!user)
        co_return dsn::Outcome::deferred({4, 3, 5}, user.error().text());
    const auto turn = co_await turns_.take(delivery.path, net::Deadline::after(options.patience()));
    dsn::Outcome outcome = co_await mailbox::run_as(
        std::move(*user), options.time_limit(),
        [&delivery, &options, &host] { return mailbox::deliver(delivery, options, host); }, spool_group);
    if (is_file && outcome.action == dsn::Action::Delivered)
        outcome.text = "delivered to file: " + target.text;
    co_return outcome;
}

// local(8) DELIVERY RIGHTS: files and commands of root are written and run as default_privs.
Task<Result<mailbox::Account>> Service::never_root(mailbox::Account account)
{
    if (account.uid != 0 || ::geteuid() != 0)
        co_return account;
    co_return co_await unprivileged_account(config(), forbidden_);
}

// What a command learns of its delivery; values that do not exist are not set.
Result<config::Variables> Service::environment(const server::Job& job, std::size_t recipient, const Scope& scope) const
{
    const address::Split parts = address::split_at_domain(scope.address);
    config::Variables variables{
        {"USER", scope.name},
        {"LOGNAME", scope.name},
        {"DOMAIN", std::string(parts.domain)},
        {"LOCAL", address::fold_case(parts.local_part)},
        {"RECIPIENT", scope.address},
        {"SENDER", scope.owner ? *scope.owner : job.sender()},
    };
    std::ranges::move(client_variables(job.envelope()), std::back_inserter(variables));
    if (!scope.extension.empty())
        variables.emplace_back("EXTENSION", scope.extension.substr(1));
    if (!scope.owner)
        variables.emplace_back("ORIGINAL_RECIPIENT", job.recipients()[recipient].envelope->original_address());
    if (scope.of_user()) {
        variables.emplace_back("HOME", scope.account.home);
        variables.emplace_back("SHELL", scope.account.shell);
    }
    // Addresses and HELO names are a stranger's words, and commands are often shell scripts.
    for (auto& [name, value] : variables)
        keep_only(config().get(param::command_expansion_filter), value);
    TRY(config::Variables all, config::exported_variables(config().get(param::export_environment)));
    for (auto& [name, value] : variables)
        config::set_variable(all, name, std::move(value));
    return all;
}

Task<dsn::Outcome> Service::deliver_to_command(server::JobPtr job, std::size_t recipient, Target target,
                                               std::string command)
{
    const Scope& scope = *target.scope;
    auto account = co_await never_root(scope.account);
    if (!account)
        co_return dsn::Outcome::deferred({4, 3, 5}, account.error().text());
    mailbox::Command run = mailbox::command_line(command, config().get(param::local_command_shell));
    auto directory = expand_names(config(), config().get(param::command_execution_directory), scope,
                                  config().get(param::execution_directory_expansion_filter));
    if (!directory)
        co_return dsn::Outcome::deferred({4, 3, 5}, "command_execution_directory: " + directory.error().text());
    run.directory = std::move(*directory);
    auto variables = environment(*job, recipient, scope);
    if (!variables)
        co_return dsn::Outcome::deferred({4, 3, 5}, "export_environment: " + variables.error().text());
    run.environment = std::move(*variables);
    run.time_limit = config().get(param::command_time_limit);
    std::string input = mailbox::from_line(scope.owner ? *scope.owner : job->sender()) +
                        headers(*job, recipient, scope, "command") + mailbox::local_form(job->message().content(), {});
    std::string success = "delivered to command: " + command;
    co_return co_await mailbox::run_as(std::move(*account), run.time_limit + mailbox::command_grace,
                                       [&run, &input, &success] { return mailbox::run_command(run, input, success); });
}

// One message for all members that have the sender and the Delivered-To: address in common.
void Service::add_to_new_message(std::vector<NewMessage>& messages, const std::string& recipient,
                                 const Target& target) const
{
    std::string to = delivered_to(recipient, *target.scope);
    auto same = std::ranges::find_if(messages, [&](const NewMessage& message) {
        return message.sender == target.scope->owner && message.delivered_to == to;
    });
    if (same == messages.end())
        same = messages.insert(messages.end(), {.sender = target.scope->owner, .delivered_to = std::move(to)});
    same->recipients.push_back(target.text);
}

// local(8): the Delivered-To: header is how a loop is noticed. The owner of a list is a sender like any other: what the
// sender of the original asked to be told of ends here (RFC 3461 5.2.7.3).
Task<dsn::Outcome> Service::submit(server::JobPtr job, std::size_t recipient, NewMessage message)
{
    const queue::Recipient& received = *job->recipients()[recipient].envelope;
    const bool has_owner = message.sender.has_value();
    cleanup::Submit submit;
    submit.sender = has_owner ? *message.sender : job->sender();
    submit.encoding = static_cast<std::uint8_t>(job->envelope().encoding);
    submit.smtputf8 = job->envelope().smtputf8;
    if (prepends_delivered_to("forward"))
        submit.headers = mailbox::delivery_headers({.delivered_to = message.delivered_to}, "\r\n");
    submit.content_of = job->request().message;
    if (!has_owner) {
        submit.dsn_envid = job->envelope().dsn_envid;
        submit.dsn_return = static_cast<std::uint8_t>(job->envelope().dsn_return);
    }
    for (std::string& destination : message.recipients) {
        cleanup::SubmitRecipient& member = submit.recipients.emplace_back();
        member.address = std::move(destination);
        if (has_owner)
            continue;
        member.original = received.original_address();
        member.dsn_orcpt = received.dsn_orcpt;
        // "Expanded" is all that is said of success.
        member.notify = received.notify == queue::notify_success
                            ? queue::notify_never
                            : static_cast<std::uint8_t>(received.notify & ~queue::notify_success);
    }
    auto reply =
        co_await cleanup_->call<cleanup::Reply>(std::move(submit), net::Deadline::after(std::chrono::seconds(300)));
    if (!reply)
        co_return dsn::Outcome::deferred({4, 3, 0}, "cannot forward: " + reply.error().text());
    if (!reply->ok)
        co_return reply->temporary ? dsn::Outcome::deferred({4, 3, 0}, reply->text)
                                   : dsn::Outcome::bounced({5, 3, 0}, reply->text);
    co_return dsn::Outcome::delivered({2, 0, 0}, "forwarded as " + reply->queue_id);
}

}  // namespace posthaste::local
