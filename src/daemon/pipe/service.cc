// service.cc — see service.h.
#include "daemon/pipe/service.h"

#include "address/fold.h"
#include "address/local_part.h"
#include "config/environment.h"
#include "mailbox/content.h"
#include "param/basics.h"
#include "param/local.h"
#include "param/pipe.h"
#include "server/identity.h"

#include <fmt/format.h>

namespace posthaste::pipe_agent {

namespace {

// An address in the form that flags=hqu ask for.
std::string shaped(std::string address, const Flags& flags)
{
    std::size_t at = address.rfind('@');
    std::string local = address.substr(0, at);
    std::string domain = at == std::string::npos ? std::string() : address.substr(at + 1);
    if (flags.fold_user)
        local = address::fold_case(local);
    if (flags.fold_domain)
        domain = address::fold_case(domain);
    std::string whole = at == std::string::npos ? local : local + "@" + domain;
    return flags.quote ? address::quote(whole) : whole;
}

}  // namespace

Result<void> Service::before_jail()
{
    TRY(attributes_, parse_attributes(context().arguments));
    TRY(time_limit_, config().get_for(context().service_name, param::per_service::time_limit));
    auto user = server::find_user(attributes_.user);
    if (!user)
        return fail(ErrorKind::Invalid, "user=" + attributes_.user + ": " + user.error().text());
    account_.name = attributes_.user;
    account_.uid = user->uid;
    account_.gid = user->gid;
    if (!attributes_.group.empty()) {
        TRY(account_.gid, server::find_group(attributes_.group));
    }
    const std::string rights =
        server::MailSystemRights::of(config()).held_by({account_.name, account_.uid, account_.gid});
    if (!rights.empty())
        return fail(ErrorKind::Denied, "user= command-line attribute specifies " + rights);
    return {};
}

Task<server::Outcomes> Service::deliver(server::JobPtr job)
{
    std::string relay = context().service_name;
    dsn::Outcome outcome;
    if (attributes_.size_limit > 0 && job->message().facts().logged_size() > attributes_.size_limit)
        outcome = dsn::Outcome::bounced({5, 2, 3}, fmt::format("message size {} exceeds size limit {} of transport {}",
                                                               job->message().facts().logged_size(),
                                                               attributes_.size_limit, relay));
    else if (job->verify_only())
        outcome = dsn::Outcome::delivered({2, 0, 0}, "delivers to command: " + attributes_.argv[0]);
    else
        outcome = co_await run(job);
    outcome.relay = relay;
    co_return server::outcome_for_each(*job, outcome);
}

std::string Service::headers(const server::Job& job) const
{
    const Flags& flags = attributes_.flags;
    const server::JobRecipient& first = job.recipients()[0];
    mailbox::DeliveryHeaders headers;
    if (flags.return_path)
        headers.return_path = job.sender();
    if (flags.original_to)
        headers.original_to = first.envelope->original_address();
    if (flags.delivered_to)
        headers.delivered_to = first.address;
    std::string text = mailbox::delivery_headers(headers, attributes_.line_end);
    return flags.from_line ? mailbox::from_line(job.sender(), attributes_.line_end) + text : text;
}

std::optional<std::string> Service::message_macro(const server::Job& job, std::string_view name) const
{
    const Flags& flags = attributes_.flags;
    const queue::Envelope& envelope = job.envelope();
    const queue::Client& client = envelope.client;
    if (name == "sender")
        return job.sender().empty() ? attributes_.null_sender.value_or("MAILER-DAEMON") : shaped(job.sender(), flags);
    if (name == "nexthop")
        return flags.fold_domain ? address::fold_case(job.request().nexthop) : job.request().nexthop;
    if (name == "queue_id")
        return envelope.queue_id;
    if (name == "size")
        return std::to_string(job.message().facts().logged_size());
    if (name == "envid")
        return envelope.dsn_envid;
    const std::pair<std::string_view, const std::string*> facts[] = {
        {"client_address", &client.address},   {"client_helo", &client.helo},
        {"client_hostname", &client.name},     {"client_port", &client.port},
        {"client_protocol", &client.protocol}, {"sasl_method", &client.sasl_method},
        {"sasl_sender", &client.sasl_sender},  {"sasl_username", &client.sasl_username}};
    for (const auto& [fact, value] : facts)
        if (fact == name)
            return *value;
    return std::nullopt;
}

std::optional<std::string> Service::recipient_macro(const server::JobRecipient& recipient, std::string_view name) const
{
    std::string address = shaped(recipient.address, attributes_.flags);
    std::size_t at = address.rfind('@');
    std::string local = address.substr(0, at);
    auto [user, extension] = address::split_extension(local, config().get(param::recipient_delimiter));
    if (name == "recipient")
        return address;
    if (name == "original_recipient")
        return shaped(recipient.envelope->original_address(), attributes_.flags);
    if (name == "mailbox")
        return local;
    if (name == "user")
        return std::string(user);
    if (name == "extension")
        return extension.empty() ? std::string() : std::string(extension.substr(1));
    if (name == "domain")
        return at == std::string::npos ? std::string() : address.substr(at + 1);
    return std::nullopt;
}

Result<mailbox::Command> Service::command(const server::Job& job) const
{
    MacroValues values;
    values.recipients = job.recipients().size();
    values.single = [&](std::string_view name) { return message_macro(job, name); };
    values.per_recipient = [&](std::string_view name, std::size_t index) {
        return recipient_macro(job.recipients()[index], name);
    };
    mailbox::Command command;
    TRY(command.argv, expand_argv(attributes_.argv, values));
    command.shown = attributes_.argv[0];
    command.directory = attributes_.directory;
    command.time_limit = time_limit_;
    auto environment = config::exported_variables(config().get(param::export_environment));
    if (!environment)
        return fail(std::move(environment).error().in("export_environment"));
    command.environment = std::move(*environment);
    return command;
}

std::string Service::input(const server::Job& job) const
{
    mailbox::ContentStyle style;
    style.line_end = attributes_.line_end;
    style.quote_from = attributes_.flags.quote_from;
    style.dot_stuff = attributes_.flags.dot_stuff;
    std::string input = headers(job) + mailbox::local_form(job.message().content(), style);
    if (attributes_.flags.blank_line)
        input += attributes_.line_end;
    return input;
}

Task<dsn::Outcome> Service::run(server::JobPtr job)
{
    if (attributes_.flags.delivered_to &&
        mailbox::was_delivered_to(job->message().content(), job->recipients()[0].address))
        co_return dsn::Outcome::bounced({5, 4, 6}, "mail forwarding loop for " + job->recipients()[0].address);
    auto command = this->command(*job);
    if (!command)
        co_return dsn::Outcome::deferred({4, 3, 5}, command.error().text());
    std::string input = this->input(*job);
    std::string success = "delivered via " + context().service_name + " service";
    co_return co_await mailbox::run_as(account_, time_limit_ + mailbox::command_grace, [&command, &input, &success] {
        return mailbox::run_command(*command, input, success);
    });
}

}  // namespace posthaste::pipe_agent
