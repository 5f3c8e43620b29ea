// service.cc — see service.h.
#include "daemon/local/service.h"

#include "address/local_part.h"
#include "base/text.h"
#include "mailbox/command.h"
#include "mailbox/content.h"
#include "param/basics.h"
#include "param/local.h"
#include "param/services.h"

#include <algorithm>
#include <chrono>
#include <sys/stat.h>

namespace posthaste::local {

namespace {

constexpr std::string_view relay = "local";

// The worst of several outcomes decides for the recipient: deferred before bounced before delivered.
const dsn::Outcome& worse(const dsn::Outcome& a, const dsn::Outcome& b)
{
    auto rank = [](const dsn::Outcome& outcome) {
        return outcome.action == dsn::Action::Deferred ? 2 : outcome.action == dsn::Action::Bounced ? 1 : 0;
    };
    return rank(b) > rank(a) ? b : a;
}

// Addresses and HELO names are a stranger's words, and commands are often shell scripts: what is not among the allowed
// characters becomes '_', as with Postfix.
void keep_only(std::string_view allowed, std::string& value)
{
    std::ranges::replace_if(value, [&](char c) { return !allowed.contains(c); }, '_');
}

}  // namespace

Result<void> Service::before_jail()
{
    TRY(aliases_, table::Maps::open(config().get(param::alias_maps)));
    TRY(router_, routing::Router::open(context().config, routing::Purpose::Routing));
    cleanup_ =
        std::make_unique<ipc::Client>("public/" + config().get(param::cleanup_service_name), cleanup::cleanup_protocol);
    TRY(mbox_.locks, mailbox::parse_lock_methods(config().get(param::mailbox_delivery_lock)));
    mbox_.lock_attempts = static_cast<int>(config().get(param::deliver_lock_attempts));
    mbox_.lock_delay = config().get(param::deliver_lock_delay);
    mbox_.stale_lock = config().get(param::stale_lock_time);
    mbox_.size_limit = config().get(param::mailbox_size_limit);
    mbox_.require_owner = config().get(param::strict_mailbox_ownership);
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
    const std::string address = job->recipients()[recipient].address;
    server::RecipientOutcome settled;
    settled.recipient = recipient;
    if (mailbox::was_delivered_to(job->message().content(), address)) {
        settled.outcome = dsn::Outcome::bounced({5, 4, 6}, "mail forwarding loop for " + address, std::string(relay));
        co_return settled;
    }
    Expansion expansion(config(), aliases_, *router_);
    auto expanded = co_await expansion.expand(address);
    if (!expanded) {
        settled.outcome = dsn::Outcome::deferred({4, 3, 0}, expanded.error().text(), std::string(relay));
        co_return settled;
    }
    std::vector<std::string> elsewhere;
    for (const Target& target : expanded->targets)
        if (target.kind == TargetKind::Forward)
            elsewhere.push_back(target.text);
    std::vector<server::ExpandedOutcome> done;
    for (Target& target : expanded->targets) {
        if (target.kind == TargetKind::Forward)
            continue;
        std::string shown = target.address;
        dsn::Outcome outcome = co_await deliver_target(job, recipient, std::move(target));
        outcome.relay = relay;
        done.push_back({std::move(shown), std::move(outcome)});
    }
    if (!elsewhere.empty()) {
        dsn::Outcome outcome = co_await forward(job, recipient, std::move(elsewhere), expanded->owner);
        outcome.relay = relay;
        done.push_back({address, std::move(outcome)});
    }
    if (done.empty())
        done.push_back({address, dsn::Outcome::bounced({5, 3, 5}, "alias without destination", std::string(relay))});
    settled.outcome = done.front().outcome;
    for (const server::ExpandedOutcome& item : done)
        settled.outcome = worse(settled.outcome, item.outcome);
    settled.expanded = std::move(done);
    co_return settled;
}

Task<dsn::Outcome> Service::deliver_target(server::JobPtr job, std::size_t recipient, Target target)
{
    if (target.kind == TargetKind::Problem)
        co_return target.problem;
    if (job->verify_only())
        co_return dsn::Outcome::delivered({2, 0, 0},
                                          target.kind == TargetKind::Command ? "delivers to command: " + target.text
                                          : target.kind == TargetKind::File  ? "delivers to file: " + target.text
                                                                             : std::string("delivers to mailbox"));
    if (target.kind == TargetKind::Command) {
        std::string command = target.text;
        co_return co_await deliver_to_command(job, recipient, std::move(target), std::move(command));
    }
    if (target.kind == TargetKind::Mailbox && !config().get(param::mailbox_command).empty())
        co_return co_await deliver_to_command(job, recipient, std::move(target), config().get(param::mailbox_command));
    co_return co_await deliver_to_mailbox(job, recipient, std::move(target));
}

std::string Service::headers(const server::Job& job, std::size_t recipient, const std::string& delivered_to) const
{
    const queue::Recipient& received = *job.recipients()[recipient].envelope;
    return mailbox::delivery_headers(
        {.return_path = job.sender(), .original_to = received.original_address(), .delivered_to = delivered_to});
}

// A user's mailbox, or a file that an alias names; a path that ends in '/' is a maildir.
Task<dsn::Outcome> Service::deliver_to_mailbox(server::JobPtr job, std::size_t recipient, Target target)
{
    bool is_file = target.kind == TargetKind::File;
    mailbox::Delivery delivery;
    gid_t spool_group = static_cast<gid_t>(-1);
    if (is_file) {
        delivery.path = target.text;
    } else if (const std::string& home_mailbox = config().get(param::home_mailbox); !home_mailbox.empty()) {
        delivery.path = target.account.home + "/" + home_mailbox;
    } else {
        const std::string& spool = config().get(param::mail_spool_directory);
        delivery.path = spool.ends_with('/') ? spool + target.account.name + "/" : spool + "/" + target.account.name;
        struct stat status{};
        if (::stat(spool.c_str(), &status) == 0 && (status.st_mode & S_IWGRP))
            spool_group = status.st_gid;  // Debian's /var/mail: group mail may make lock files
    }
    delivery.user = target.account.name;
    delivery.from_line = mailbox::from_line(job->sender());
    delivery.headers = headers(*job, recipient, job->recipients()[recipient].address);
    delivery.content = job->message().content();
    mailbox::MboxOptions options = mbox_;
    if (is_file)
        options.require_owner = false;
    std::string host = config().get(param::myhostname);
    auto account = is_file ? co_await never_root(target.account) : Result<mailbox::Account>(target.account);
    if (!account)
        co_return dsn::Outcome::deferred({4, 3, 5}, account.error().text());
    dsn::Outcome outcome = co_await mailbox::run_as(
        std::move(*account), options.time_limit(),
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
    CO_TRY(mailbox::Account unprivileged, co_await mailbox::find_account(config().get(param::default_privs)));
    if (unprivileged.uid == 0)
        co_return fail(ErrorKind::Denied, "default_privs names an account with root privileges");
    co_return unprivileged;
}

Task<dsn::Outcome> Service::deliver_to_command(server::JobPtr job, std::size_t recipient, Target target,
                                               std::string command)
{
    const std::string& address = job->recipients()[recipient].address;
    std::size_t at = address.rfind('@');
    std::string local_part = address.substr(0, at);
    auto [user, extension] = address::split_extension(local_part, config().get(param::recipient_delimiter));
    const queue::Recipient& received = *job->recipients()[recipient].envelope;
    const queue::Client& client = job->envelope().client;
    mailbox::Command run = mailbox::command_line(command);
    run.environment = {
        {"PATH", "/usr/bin:/bin"},
        {"SHELL", target.account.shell},
        {"HOME", target.account.home},
        {"USER", target.account.name},
        {"LOGNAME", target.account.name},
        {"EXTENSION", extension.empty() ? std::string() : std::string(extension.substr(1))},
        {"DOMAIN", at == std::string::npos ? std::string() : address.substr(at + 1)},
        {"LOCAL", local_part},
        {"RECIPIENT", address},
        {"ORIGINAL_RECIPIENT", received.original_address()},
        {"SENDER", job->sender()},
        {"ENVID", job->envelope().dsn_envid},
        {"CLIENT_ADDRESS", client.address},
        {"CLIENT_HELO", client.helo},
        {"CLIENT_HOSTNAME", client.name},
        {"CLIENT_PROTOCOL", client.protocol},
        {"SASL_METHOD", client.sasl_method},
        {"SASL_SENDER", client.sasl_sender},
        {"SASL_USERNAME", client.sasl_username},
    };
    for (auto& [name, value] : run.environment)
        keep_only(config().get(param::command_expansion_filter), value);
    auto account = co_await never_root(target.account);
    if (!account)
        co_return dsn::Outcome::deferred({4, 3, 5}, account.error().text());
    std::string input = mailbox::from_line(job->sender()) + headers(*job, recipient, address) +
                        mailbox::local_form(job->message().content(), {});
    std::string success = "delivered to command: " + command;
    co_return co_await mailbox::run_as(std::move(*account), config().get(param::command_time_limit),
                                       [&run, &input, &success] { return mailbox::run_command(run, input, success); });
}

// local(8): what leaves this machine is a new message with a Delivered-To: header, so that a loop is noticed.
Task<dsn::Outcome> Service::forward(server::JobPtr job, std::size_t recipient, std::vector<std::string> addresses,
                                    std::string owner)
{
    if (job->verify_only())
        co_return dsn::Outcome::delivered({2, 0, 0}, "forwards to " + addresses.front());
    const std::string& address = job->recipients()[recipient].address;
    const queue::Recipient& received = *job->recipients()[recipient].envelope;
    cleanup::Submit submit;
    submit.sender = owner.empty() ? job->sender() : owner;
    submit.dsn_envid = job->envelope().dsn_envid;
    submit.dsn_return = static_cast<std::uint8_t>(job->envelope().dsn_return);
    submit.encoding = static_cast<std::uint8_t>(job->envelope().encoding);
    submit.smtputf8 = job->envelope().smtputf8;
    submit.headers = mailbox::delivery_headers({.delivered_to = address}, "\r\n");
    submit.content_of = job->request().message;
    for (std::string& destination : addresses)
        submit.recipients.push_back({.address = std::move(destination),
                                     .original = received.original_address(),
                                     .dsn_orcpt = received.dsn_orcpt,
                                     .notify = received.notify});
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
