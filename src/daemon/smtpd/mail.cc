// mail.cc — MAIL: the beginning of a transaction. RFC 5321 4.1.1.2, RFC 1870, RFC 6152, RFC 3461.
#include "daemon/smtpd/session.h"
#include "log/events_smtpd.h"
#include "log/log.h"
#include "param/cleanup.h"
#include "param/commands.h"
#include "param/rewrite.h"
#include "param/smtpd.h"
#include "queue/writer.h"
#include "smtp/path.h"

#include <fmt/format.h>

namespace posthaste::smtpd {

namespace {

queue::DsnReturn dsn_return(smtp::Return ret)
{
    switch (ret) {
    case smtp::Return::Headers: return queue::DsnReturn::Headers;
    case smtp::Return::Full: return queue::DsnReturn::Full;
    case smtp::Return::Unset: break;
    }
    return queue::DsnReturn::Unset;
}

}  // namespace

// The command line as a new transaction, or the reply to what is wrong with it.
std::expected<std::unique_ptr<Transaction>, Session::Reply> Session::parse_mail(std::string_view arguments) const
{
    auto syntax = config_->get(param::strict_rfc821_envelopes) ? smtp::PathSyntax::Strict : smtp::PathSyntax::Lenient;
    auto path = smtp::parse_path_argument(arguments, "FROM:", syntax);
    if (!path && path.error() == smtp::PathFault::Usage)
        return std::unexpected(Reply{501, "5.5.4 Syntax: MAIL FROM:<address>"});
    const auto bad_address = [&] {
        log::smtpd_bad_address(client_.for_log, "MAIL", printable(arguments.substr(5)));
        return Reply{501, "5.1.7 Bad sender address syntax"};
    };
    if (!path || (path->address.starts_with('-') && !config_->get(param::allow_min_user)))
        return std::unexpected(bad_address());
    if (auto wrong = check_utf8(path->address, declares_utf8(path->parameters), bad_address))
        return std::unexpected(std::move(*wrong));
    auto parameters = smtp::parse_mail_parameters(path->parameters, offered_);
    if (!parameters)
        return std::unexpected(std::move(parameters.error()));
    auto transaction = std::make_unique<Transaction>();
    transaction->sender = std::move(path->address);
    transaction->parameters = std::move(*parameters);
    if (std::optional<Reply> wrong = transaction->parameters.verp ? check_verp(*transaction) : std::nullopt)
        return std::unexpected(std::move(*wrong));
    return transaction;
}

// XVERP, or XVERP=+= (VERP_README): completes the delimiters.
std::optional<Session::Reply> Session::check_verp(Transaction& transaction) const
{
    std::string& delimiters = *transaction.parameters.verp;
    const std::string& allowed = config_->get(param::verp_delimiter_filter);
    if (transaction.sender.empty())
        return Reply{503, "5.5.4 Error: XVERP requires non-null sender"};
    if (delimiters.empty())
        delimiters = config_->get(param::default_verp_delimiters);
    else if (delimiters.size() != 2 || delimiters.find_first_not_of(allowed) != std::string::npos)
        return Reply{501, "5.5.4 Error: XVERP needs two characters from " + allowed};
    return std::nullopt;
}

// Whether there is, and will be, room for a message of the size that was announced (RFC 1870 6.1).
std::optional<Session::Reply> Session::check_size() const
{
    std::uint64_t size = transaction_->parameters.size.value_or(0);
    auto limit = static_cast<std::uint64_t>(config_->get(param::message_size_limit));
    if (limit > 0 && size > limit)
        return Reply{552, "5.3.4 Message size exceeds fixed limit"};
    if (shared_->pipeline && !shared_->pipeline->writer().check_space(size)) {
        log::warning("not enough free space in mail queue");
        return Reply{452, "4.3.1 Insufficient system storage"};
    }
    return std::nullopt;
}

Task<Session::Reply> Session::mail(std::string arguments)
{
    if (helo_.empty() && config_->get(param::smtpd_helo_required))
        co_return Reply{503, "5.5.1 Error: send HELO/EHLO first"};
    if (transaction_)
        co_return Reply{503, "5.5.1 Error: nested MAIL command"};
    auto transaction = parse_mail(arguments);
    if (!transaction)
        co_return std::move(transaction.error());
    if (co_await is_too_fast(anvil::Event::Message, config_->get(param::smtpd_client_message_rate_limit),
                             log::RateLimit::MessageRate))
        co_return Reply{450, "4.7.1 Error: too much mail from " + client_.address};
    transaction_ = std::move(*transaction);
    std::optional<Reply> refused = check_size();
    if (!refused)
        refused = co_await sender_objection();
    if (refused)
        log_access("reject", refused->line());
    else if (!config_->get(param::smtpd_delay_open_until_valid_rcpt))
        refused = begin_message();
    if (!refused)
        co_return Reply{250, "2.1.0 Ok"};
    transaction_.reset();
    co_return std::move(*refused);
}

// What sender restrictions say at MAIL, where smtpd_delay_reject does not let them wait for RCPT.
Task<std::optional<Session::Reply>> Session::sender_objection()
{
    if (config_->get(param::smtpd_delay_reject) || shared_->context->stand_alone)
        co_return std::nullopt;
    Verdict verdict = co_await evaluate(this, &shared_->sender_restrictions, ListKind::Sender, &transaction_->pending);
    if (verdict.decision == Decision::Reject)
        co_return std::move(verdict.reply);
    co_return std::nullopt;
}

// The message gets its queue id. A Reply: the queue cannot take it now.
std::optional<Session::Reply> Session::begin_message()
{
    intake::Source source;
    source.origin = queue::Origin::Smtpd;
    source.context = rewrite_context_;
    source.map_addresses = !shared_->overrides.no_address_mappings;
    source.inspect_content = !shared_->overrides.no_header_body_checks;
    source.client.name = client_.name;
    source.client.address = client_.address;
    source.client.port = client_.port;
    source.client.reverse_name = client_.reverse_name;
    source.client.helo = helo_;
    source.client.protocol = esmtp_ ? "ESMTP" : "SMTP";
    auto message = shared_->begin(source);
    if (!message) {
        if (!message.error().detail.empty())
            log::warning("{}", message.error().detail);
        return Reply{message.error().smtp_code, message.error().reply_text()};
    }
    transaction_->message = std::move(*message);
    queue::Envelope& envelope = transaction_->message->envelope();
    envelope.sender = transaction_->sender;
    envelope.dsn_envid = transaction_->parameters.envid;
    envelope.dsn_return = dsn_return(transaction_->parameters.ret);
    envelope.encoding =
        transaction_->parameters.eight_bit ? queue::BodyEncoding::EightBit : queue::BodyEncoding::SevenBit;
    envelope.smtputf8 = transaction_->parameters.smtputf8;
    envelope.verp_delimiters = transaction_->parameters.verp.value_or("");
    envelope.filter = config_->get(param::content_filter);
    if (!shared_->context->stand_alone)
        log::smtpd_client(transaction_->message->queue_id(), client_.for_log);
    return std::nullopt;
}

}  // namespace posthaste::smtpd
