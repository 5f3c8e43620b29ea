// data.cc — DATA: the content, and the moment of acceptance. RFC 5321 4.1.1.4, 4.4, 4.5.2.
//
// The order is what keeps promises: content, checks, intake's finish() (which returns when the message would survive
// a power cut), and only then 250.
#include "address/local_part.h"
#include "daemon/smtpd/session.h"
#include "intake/date.h"
#include "log/events_smtpd.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/smtpd.h"
#include "param/smtpd_tls.h"
#include "smtp/data_decoder.h"

#include <ctime>
#include <fmt/format.h>
#include <utility>
#include <vector>

namespace posthaste::smtpd {

namespace {

class MessageSink final : public smtp::ContentSink {
public:
    explicit MessageSink(Incoming& message) : message_(&message) {}
    void add_lines(std::string_view crlf_lines) override { message_->add_lines(crlf_lines); }

private:
    Incoming* message_;
};

}  // namespace

Task<Session::Reply> Session::data(std::string arguments)
{
    if (!transaction_)
        co_return Reply{503, "5.5.1 Error: need RCPT command"};
    if (!arguments.empty())
        co_return Reply{501, "5.5.4 Syntax: DATA"};
    if (transaction_->recipients == 0)
        co_return Reply{554, "5.5.1 Error: no valid recipients"};
    if (auto refused = co_await check_message(&shared_->data_restrictions, ListKind::Data))
        co_return std::move(*refused);
    Incoming& message = *transaction_->message;
    std::string headers;
    for (const std::string& line : transaction_->effects.prepend)
        headers += line + "\r\n";
    apply_effects();
    message.add_own_headers(headers + received_header());
    co_await send({354, "End data with <CR><LF>.<CR><LF>"});
    co_await receive_content();
    if (over_)
        co_return Reply{};
    Reply reply = co_await finish_message();
    reset_transaction();
    co_return reply;
}

// postconf(5) smtpd_data_restrictions, smtpd_end_of_data_restrictions: one answer for all recipients.
Task<std::optional<Session::Reply>> Session::check_message(const RestrictionList* list, ListKind kind)
{
    if (list->empty() || shared_->context->stand_alone)
        co_return std::nullopt;
    PendingVerdicts pending = transaction_->pending;
    Verdict verdict = co_await evaluate(this, list, kind, &pending);
    std::optional<Reply> refused;
    if (verdict.decision == Decision::Reject)
        refused = std::move(verdict.reply);
    refused = conclude(std::move(refused), pending);
    if (refused)
        log_access("reject", refused->line());
    co_return refused;
}

// Reads to the end of data. over_: the client is gone, or was sent away.
Task<void> Session::receive_content()
{
    MessageSink sink(*transaction_->message);
    smtp::DataDecoder decoder(bare_newline_);
    const auto begin = net::Clock::now();
    const int slowest = config_->get(param::smtpd_min_data_rate);  // bytes a second
    data_bytes_ = 0;
    for (;;) {
        std::size_t used = decoder.feed(stream_.buffered(), sink);
        stream_.consume(used);
        *data_bytes_ += used;
        if (transaction_->message->unsettled())
            co_await transaction_->message->settle();
        if (decoder.finished())
            break;
        co_await flush();
        if (over_)
            co_return;
        net::Deadline deadline = read_deadline();
        if (config_->get(param::smtpd_per_request_deadline)) {
            auto earned = std::chrono::seconds(*data_bytes_ / static_cast<std::uint64_t>(slowest));
            deadline = net::Deadline::at(begin + config_->get(param::smtpd_timeout) + earned);
        }
        begin_wait(WaitsFor::Content);
        auto filled = co_await stream_.fill(deadline);
        end_wait();
        if (!filled) {
            *data_bytes_ += stream_.buffered().size();
            end_by_read_error(filled.error());
            co_return;
        }
    }
    data_bytes_.reset();
    if (!decoder.saw_bare_newline())
        co_return;
    noted_bare_newline_ = true;
    if (bare_newline_ == smtp::BareNewline::Reject) {
        log::smtpd_session_end(log::SessionEnd::BareNewline, queue_id(), stage_, {}, client_.for_log);
        end_with({config_->get(param::smtpd_forbid_bare_newline_reject_code),
                  fmt::format("5.5.2 {} Error: bare <LF> received", config_->get(param::myhostname))});
    }
}

// What access tables have asked for so far. Called before the content, whose tables (header_checks) come later and so
// win, and after the restrictions behind it.
void Session::apply_effects()
{
    AccessEffects& effects = transaction_->effects;
    Incoming& message = *transaction_->message;
    queue::Envelope& envelope = message.envelope();
    if (!effects.redirect.empty()) {  // overrides FILTER
        envelope.redirect = std::exchange(effects.redirect, {});
        effects.filter.clear();
    }
    if (!effects.filter.empty())
        envelope.filter = std::exchange(effects.filter, {});
    for (std::string& address : std::exchange(effects.bcc, {}))
        envelope.recipients.push_back({.address = std::move(address), .original = {}, .dsn_orcpt = {}});
    if (effects.hold)
        message.hold();
}

Task<Session::Reply> Session::finish_message()
{
    Incoming& message = *transaction_->message;
    stage_ = "END-OF-MESSAGE";
    if (auto refused = co_await check_message(&shared_->end_of_data_restrictions, ListKind::EndOfData))
        co_return std::move(*refused);
    apply_effects();
    std::string queue_id = message.queue_id();
    if (!transaction_->effects.discard) {
        auto finished = co_await message.finish();
        if (!finished) {
            if (finished.error().code == dsn::Code{5, 3, 4})
                log::smtpd_size_limit(queue_id);
            if (shared_->pipeline && shared_->pipeline->broken())
                shared_->context->leave();
            co_return Reply{finished.error().smtp_code, finished.error().reply_text()};
        }
        queue_id = std::move(*finished);
    }
    errors_ = 0;
    junk_commands_ = 0;
    co_return Reply{250, "2.0.0 Ok: queued as " + queue_id};
}

// postconf(5) smtpd_tls_received_header: lines of the Received: header, each with its beginning.
std::string Session::tls_comment() const
{
    if (!tls_ || !config_->get(param::smtpd_tls_received_header))
        return {};
    std::string text = fmt::format("\r\n\t(using {} with cipher {} ({}/{} bits)", tls_->protocol, tls_->cipher,
                                   tls_->bits, tls_->algorithm_bits);
    for (const std::string* details : {&tls_->server_details, &tls_->client_details}) {
        if (!details->empty())
            text += "\r\n\t " + *details;
    }
    text += ")\r\n\t";
    if (tls_->peer)
        return text + fmt::format("(Client CN \"{}\", Issuer \"{}\" ({}))", tls_->peer->common_name,
                                  tls_->peer->issuer_common_name, tls_->peer->trusted ? "verified OK" : "not verified");
    return text + (tls_->asked_for_certificate ? "(Client did not present a certificate)"
                                               : "(No client certificate requested)");
}

// RFC 5321 4.4, in Postfix's words; "for" only where there is one recipient, so that nobody learns of another.
std::string Session::received_header() const
{
    std::string protocol = esmtp_ ? (transaction_->parameters.smtputf8 ? "UTF8SMTP" : "ESMTP") : "SMTP";
    if (tls_ && esmtp_)
        protocol += 'S';  // RFC 3848 has no such word for HELO
    const std::string& greeting = helo_.empty() ? client_.name : helo_;
    std::string text = fmt::format("Received: from {} ({} [{}]){}\r\n\tby {} ({}) with {} id {}", greeting,
                                   client_.name, client_.for_headers, tls_comment(), config_->get(param::myhostname),
                                   config_->get(param::mail_name), protocol, transaction_->message->queue_id());
    std::string date = intake::mail_date(std::time(nullptr));
    if (!transaction_->only_recipient.empty())
        return text + fmt::format("\r\n\tfor <{}>; {}\r\n", transaction_->only_recipient, date);
    return text + fmt::format(";\r\n\t{}\r\n", date);
}

}  // namespace posthaste::smtpd
