// transaction.cc — see transaction.h.
#include "daemon/smtp/transaction.h"

#include "address/local_part.h"
#include "daemon/smtp/content_filter.h"
#include "daemon/smtp/trouble.h"
#include "log/events_delivery.h"
#include "log/log.h"
#include "mime/seven_bit.h"
#include "smtp/client_commands.h"
#include "smtp/client_content.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::smtp_client {

namespace {

constexpr std::size_t pipelining_window = 64;                 // commands in one write
constexpr std::size_t small_content = std::size_t{64} << 10;  // copied, and sent in one write with its dot
constexpr std::size_t encoded_piece = std::size_t{64} << 10;
constexpr std::string_view final_dot = ".\r\n";
constexpr std::string_view end_of_data = "sending end of data -- message may be sent more than once";

bool is_ascii(std::string_view text)
{
    return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; });
}

std::size_t longest_line(std::string_view lines)
{
    std::size_t longest = 0;
    for (std::size_t begin = 0; begin < lines.size();) {
        const std::size_t end = std::min(lines.find("\r\n", begin), lines.size());
        longest = std::max(longest, end - begin);
        begin = end + 2;
    }
    return longest;
}

std::string_view stage_of(int verb)
{
    constexpr std::string_view stages[] = {
        "sending RSET",    "sending XFORWARD name/address", "sending XFORWARD helo/protocol", "sending MAIL FROM",
        "sending RCPT TO", "sending DATA command"};
    return stages[verb];
}

// The length of about `size` bytes of lines.
std::size_t whole_lines(std::string_view text, std::size_t size)
{
    if (text.size() <= size)
        return text.size();
    std::size_t end = text.substr(0, size).rfind("\r\n");
    if (end == std::string_view::npos)
        end = text.find("\r\n", size - 1);
    return end == std::string_view::npos ? text.size() : end + 2;
}

}  // namespace

Task<void> Transaction::run()
{
    ++session_->uses;
    if (auto unmet = check_requirements()) {
        trouble = std::move(unmet);
        co_return;
    }
    if (session_->uses == 1)
        log_pix_workarounds();
    bool alive = co_await converse(plan());
    if (!alive)
        co_return;
    if (!data_accepted_) {
        session_->needs_reset = true;
        co_return;
    }
    if (accepted_.empty()) {
        co_await finish_empty();
        co_return;
    }
    if (!co_await send_content())
        co_return;
    if (settings_->dialect == Dialect::Lmtp)
        co_await read_lmtp_replies();
    else
        co_await read_final_reply();
}

// RFC 1870 6, RFC 6531 3.5: what the server cannot do is not asked of it.
std::optional<dsn::Outcome> Transaction::check_requirements() const
{
    const queue::ContentFacts& facts = job_->message().facts();
    const Target& target = session_->target();
    std::uint64_t limit = session_->peer().size_limit;
    if (session_->offers(smtp::Extension::Size) && limit > 0 && facts.size > limit)
        return dsn::Outcome::bounced(
            {5, 3, 4},
            fmt::format("message size {} exceeds size limit {} of server {}", facts.size, limit, target.name()),
            target.relay());
    bool needs_utf8 =
        job_->envelope().smtputf8 &&
        (facts.utf8_header || !is_ascii(sender()) ||
         std::ranges::any_of(recipients_, [this](std::size_t position) { return !is_ascii(recipient(position)); }));
    if (needs_utf8 && !session_->offers(smtp::Extension::Smtputf8))
        return dsn::Outcome::bounced({5, 6, 7}, "SMTPUTF8 is required, but was not offered by host " + target.name(),
                                     target.relay());
    return std::nullopt;
}

std::vector<Transaction::Command> Transaction::plan() const
{
    std::vector<Command> commands;
    commands.reserve(recipients_.size() + 3);
    if (session_->needs_reset)
        commands.push_back({Command::Verb::Rset});
    if (settings_->send_xforward)
        for (auto [part, verb] : {std::pair(smtp::XforwardPart::Client, Command::Verb::XforwardClient),
                                  std::pair(smtp::XforwardPart::Session, Command::Verb::XforwardSession)}) {
            std::string text;
            append_xforward(text, part);
            if (!text.empty())
                commands.push_back({verb});
        }
    commands.push_back({Command::Verb::Mail});
    for (std::size_t i = 0; i < recipients_.size(); ++i)
        commands.push_back({Command::Verb::Rcpt, i});
    if (!job_->verify_only())
        commands.push_back({Command::Verb::Data});
    return commands;
}

const std::string& Transaction::sender() const { return outgoing_->sender ? *outgoing_->sender : job_->sender(); }

const std::string& Transaction::recipient(std::size_t position) const
{
    return outgoing_->recipients.empty() ? job_->recipients()[position].address : outgoing_->recipients[position];
}

std::string Transaction::external(std::string_view address) const
{
    return settings_->quote_envelope ? address::quote(address) : std::string(address);
}

void Transaction::append_xforward(std::string& out, smtp::XforwardPart part) const
{
    const queue::Client& client = job_->envelope().client;
    smtp::append_xforward(out,
                          {.name = client.name,
                           .address = client.address,
                           .port = client.port,
                           .protocol = client.protocol,
                           .helo = client.helo,
                           .ident = job_->envelope().queue_id,
                           .local = job_->envelope().local_rewrite_context},
                          part, session_->peer());
}

void Transaction::append(std::string& out, const Command& command) const
{
    const queue::Envelope& envelope = job_->envelope();
    const queue::ContentFacts& facts = job_->message().facts();
    switch (command.verb) {
    case Command::Verb::Rset: out += "RSET\r\n"; return;
    case Command::Verb::XforwardClient: append_xforward(out, smtp::XforwardPart::Client); return;
    case Command::Verb::XforwardSession: append_xforward(out, smtp::XforwardPart::Session); return;
    case Command::Verb::Data: out += "DATA\r\n"; return;
    case Command::Verb::Mail: {
        const std::string from = external(sender());
        smtp::Return ret = envelope.dsn_return == queue::DsnReturn::Full      ? smtp::Return::Full
                           : envelope.dsn_return == queue::DsnReturn::Headers ? smtp::Return::Headers
                                                                              : smtp::Return::Unset;
        smtp::append_mail(out,
                          {.sender = from,
                           .size = facts.size,
                           .eight_bit = facts.eight_bit || envelope.encoding == queue::BodyEncoding::EightBit,
                           .smtputf8 = envelope.smtputf8,
                           .ret = ret,
                           .envid = envelope.dsn_envid},
                          session_->peer());
        return;
    }
    case Command::Verb::Rcpt: {
        const server::JobRecipient& received = job_->recipients()[recipients_[command.recipient]];
        const std::string to = external(recipient(recipients_[command.recipient]));
        // RFC 3461 5.2.1: an ORCPT of ours where the sender gave none, so that reports can name the original.
        std::string orcpt = received.envelope->dsn_orcpt;
        if (orcpt.empty() && session_->offers(smtp::Extension::Dsn)) {
            const std::string& original = received.envelope->original;
            orcpt = external(original.empty() ? received.address : original);
            orcpt.insert(0, is_ascii(orcpt) ? "rfc822;" : "utf-8;");  // RFC 6533 3
        }
        smtp::append_rcpt(out, {.recipient = to, .notify = received.envelope->notify, .orcpt = orcpt},
                          session_->peer());
        return;
    }
    }
}

// Sends the commands in windows and takes their replies. False: the conversation is over.
Task<bool> Transaction::converse(std::vector<Command> commands)
{
    std::size_t window = session_->offers(smtp::Extension::Pipelining) ? pipelining_window : 1;
    std::string out;
    for (std::size_t begin = 0; begin < commands.size();) {
        if (mail_refused_ || (commands[begin].verb == Command::Verb::Data && accepted_.empty()))
            co_return true;
        std::size_t end = std::min(begin + window, commands.size());
        out.clear();
        for (std::size_t i = begin; i < end; ++i)
            append(out, commands[i]);
        auto sent = co_await session_->connection().send(out, settings_->timeouts.mail);
        if (!sent)
            co_return break_off(sent.error(), stage_of(static_cast<int>(commands[begin].verb)));
        for (std::size_t i = begin; i < end; ++i)
            if (!co_await take_reply(commands[i]))
                co_return false;
        begin = end;
    }
    co_return true;
}

Task<bool> Transaction::take_reply(Command command)
{
    const Timeouts& timeouts = settings_->timeouts;
    std::chrono::seconds timeout = command.verb == Command::Verb::Mail   ? timeouts.mail
                                   : command.verb == Command::Verb::Rcpt ? timeouts.rcpt
                                   : command.verb == Command::Verb::Data ? timeouts.data_init
                                   : command.verb == Command::Verb::Rset ? timeouts.rset
                                                                         : timeouts.xforward;
    auto reply = co_await session_->connection().read_reply(timeout);
    if (!reply)
        co_return break_off(reply.error(), stage_of(static_cast<int>(command.verb)));
    if (reply->code == 421 && !answered_ && session_->uses > 1) {
        // The server ended a session that was kept too long.
        stale = true;
        session_->unusable = true;
        co_return false;
    }
    answered_ = true;
    if (reply->code >= 500 && reply->code <= 504)  // RFC 5321 4.2.2: the server does not know the command
        session_->protocol_error = true;
    if (reply->code == 421)
        session_->unusable = true;
    accept_reply(command, *reply);
    co_return true;
}

void Transaction::accept_reply(Command command, const smtp::PeerReply& reply)
{
    const Target& target = session_->target();
    switch (command.verb) {
    case Command::Verb::Rset: session_->needs_reset = false; return;
    case Command::Verb::XforwardClient:
    case Command::Verb::XforwardSession: return;  // a courtesy: without it the message is delivered all the same
    case Command::Verb::Mail:
        if (!reply.is_success()) {
            mail_refused_ = true;
            trouble = said(target, reply, "MAIL FROM");
        }
        return;
    case Command::Verb::Rcpt:
        if (mail_refused_)
            return;  // pipelined behind a MAIL that was refused
        if (reply.is_success() && job_->verify_only()) {
            set_outcome(recipients_[command.recipient], delivered(target, reply));
            return;
        }
        if (reply.is_success()) {
            accepted_.push_back(recipients_[command.recipient]);
            return;
        }
        set_outcome(recipients_[command.recipient], said(target, reply, "RCPT TO"));
        return;
    case Command::Verb::Data:
        data_accepted_ = reply.is_intermediate();
        if (!data_accepted_ && !mail_refused_ && !accepted_.empty())
            trouble = said(target, reply, "DATA");
        return;
    }
}

// The server wants content although it took no recipient (DATA was pipelined): RFC 2920 3.1 asks for a lone dot.
Task<void> Transaction::finish_empty()
{
    auto reply = co_await session_->connection().command(final_dot, settings_->timeouts.data_done);
    if (!reply)
        session_->unusable = true;
}

Task<bool> Transaction::send_content()
{
    if (co_await write_content())
        co_return true;
    session_->unusable = true;
    session_->connection().stream().close();
    co_return false;
}

// One part of the content: into `out` as far as it is short, so that little goes out in one write with its dot.
Task<Result<void>> Transaction::write_part(std::string_view part, ContentForm form, std::string* out)
{
    smtp::ClientConnection& connection = session_->connection();
    if (form == ContentForm::AsItLies) {
        if (part.size() <= small_content) {
            *out += part;
            co_return Result<void>{};
        }
        CO_TRY(co_await connection.send_content(std::exchange(*out, {})));
        co_return co_await connection.send_content(part);
    }
    smtp::ContentEncoder encoder(part, settings_->line_limit);
    while (encoder.next(*out, encoded_piece)) {
        if (out->size() < encoded_piece)
            continue;  // what is left goes with the next part, or the dot
        CO_TRY(co_await connection.send_content(*out));
        out->clear();
    }
    co_return Result<void>{};
}

Task<bool> Transaction::write_content()
{
    const queue::StoredMessage& message = job_->message();
    const queue::ContentFacts& facts = message.facts();
    const std::string_view header = outgoing_->header ? std::string_view(*outgoing_->header) : std::string_view();
    const std::string_view content = message.content().substr(outgoing_->header ? facts.header_size : 0);
    const std::size_t longest = std::max<std::size_t>(facts.longest_line, longest_line(header));
    const bool too_long = settings_->line_limit > 0 && longest > settings_->line_limit;
    if (too_long)
        log::session_trouble(job_->envelope().queue_id,
                             fmt::format("breaking line > {} bytes with <CR><LF>SPACE", settings_->line_limit));
    const ContentForm form = facts.dot_lines || too_long ? ContentForm::Encoded : ContentForm::AsItLies;

    const bool changes = settings_->content_tables || must_convert();
    std::string out;
    Result<void> sent;
    session_->connection().begin_content(settings_->timeouts.data_xfer);
    if (changes) {
        sent = co_await write_changed({header, content}, &out);
        if (trouble)
            co_return false;
    } else {
        sent = co_await write_part(header, form, &out);
        if (sent)
            sent = co_await write_part(content, form, &out);
    }
    if (!sent)
        co_return break_off(sent.error(), "sending message body");
    if (!changes && !content.empty() && !content.ends_with("\r\n"))
        out += "\r\n";
    co_return co_await write_end(std::move(out));
}

// What is left of the content, and the dot.
Task<bool> Transaction::write_end(std::string out)
{
    if (pauses_before_dot()) {
        Result<void> sent = co_await session_->connection().send_content(out);
        out.clear();
        if (!sent)
            co_return break_off(sent.error(), "sending message body");
        co_await net::sleep_for(settings_->pix.delay);
    }
    // Everything has been read from the queue: what follows makes the server keep it.
    if (!job_->message().still_valid()) {
        trouble = dsn::Outcome::deferred({4, 3, 0}, "message content changed while it was being sent");
        co_return false;
    }
    out += final_dot;
    session_->connection().observe_sent(final_dot);
    if (auto sent = co_await session_->connection().send_content(out); !sent)
        co_return break_off(sent.error(), end_of_data);
    co_return true;
}

// RFC 6152 3: what was handed in as 8BITMIME does not go as it is to a server that does not know it.
bool Transaction::must_convert() const
{
    return settings_->converts_output && !session_->offers(smtp::Extension::EightBitMime) &&
           job_->envelope().encoding == queue::BodyEncoding::EightBit && job_->message().facts().eight_bit;
}

// postconf(5) smtp_pix_workaround_threshold_time.
bool Transaction::pauses_before_dot() const
{
    using std::chrono::system_clock;
    const system_clock::time_point arrival{std::chrono::seconds(job_->envelope().arrival_seconds)};
    return session_->pix().delay_dotcrlf && system_clock::now() - arrival >= settings_->pix.threshold;
}

// In the words of smtp(8).
void Transaction::log_pix_workarounds() const
{
    std::string names;
    if (session_->pix().disable_esmtp)
        names += " disable_esmtp";
    if (pauses_before_dot())
        names += " delay_dotcrlf";
    if (!names.empty())
        log::session_trouble(job_->envelope().queue_id,
                             fmt::format("enabling PIX workarounds:{} for {}", names, session_->target().relay()));
}

// What smtp_header_checks and its kind, and then the conversion to 7 bits, make of the parts, which are one message; a
// piece at a time. What is left in `out` goes with the dot. A table that does not answer is `trouble`.
Task<Result<void>> Transaction::write_changed(std::vector<std::string_view> parts, std::string* out)
{
    std::optional<ContentFilter> filter;
    if (settings_->content_tables)
        filter.emplace(*settings_->content_tables, job_->envelope().queue_id);
    std::optional<mime::SevenBitConverter> converter;
    if (must_convert())
        converter.emplace(settings_->mime_limits);
    for (std::string_view part : parts) {
        while (!part.empty()) {
            std::string piece(part.substr(0, whole_lines(part, encoded_piece)));
            part.remove_prefix(piece.size());
            if (!piece.ends_with("\r\n"))
                piece += "\r\n";
            if (filter) {
                auto filtered = co_await filter->filter(std::move(piece));
                if (!filtered) {
                    defer_unfiltered(filtered.error());
                    co_return Result<void>{};
                }
                piece = std::move(*filtered);
            }
            if (converter)
                piece = converter->convert(piece);
            CO_TRY(co_await write_part(piece, ContentForm::Encoded, out));
        }
    }
    std::string rest;
    if (filter) {
        auto filtered = co_await filter->finish();
        if (!filtered) {
            defer_unfiltered(filtered.error());
            co_return Result<void>{};
        }
        rest = std::move(*filtered);
    }
    if (converter) {
        rest = converter->convert(rest);
        rest += converter->finish();
    }
    co_return co_await write_part(rest, ContentForm::Encoded, out);
}

void Transaction::defer_unfiltered(const Error& error)
{
    log::warning("{}: {}", job_->envelope().queue_id, error.text());
    trouble = local_trouble(session_->target());
}

// False: the connection broke instead. After a 421 it is not used again.
bool Transaction::is_final_reply(const Result<smtp::PeerReply>& reply)
{
    if (!reply)
        return break_off(reply.error(), end_of_data);
    if (reply->code == 421)
        session_->unusable = true;
    return true;
}

Task<void> Transaction::read_final_reply()
{
    auto reply = co_await session_->connection().read_reply(settings_->timeouts.data_done);
    if (!is_final_reply(reply))
        co_return;
    for (std::size_t recipient : accepted_)
        set_outcome(recipient, final_outcome(*reply, recipient));
}

// RFC 2033 4.2: one reply for each recipient that was accepted, in order. Each is settled at once, so that a store
// that is slow with the second cannot make the first be delivered twice.
Task<void> Transaction::read_lmtp_replies()
{
    for (std::size_t recipient : accepted_) {
        auto reply = co_await session_->connection().read_reply(settings_->timeouts.data_done);
        if (!is_final_reply(reply))
            co_return;
        dsn::Outcome outcome = final_outcome(*reply, recipient);
        if (!outcome.is_final()) {
            set_outcome(recipient, std::move(outcome));
            continue;
        }
        server::Outcomes settled;
        settled.push_back({.recipient = recipient,
                           .outcome = std::move(outcome),
                           .notification_passed_on = session_->offers(smtp::Extension::Dsn)});
        co_await job_->settle(std::move(settled));
    }
}

dsn::Outcome Transaction::final_outcome(const smtp::PeerReply& reply, std::size_t recipient) const
{
    if (!reply.is_success())
        return said(session_->target(), reply, "end of DATA");
    dsn::Outcome outcome = delivered(session_->target(), reply);
    // RFC 3461 5.2.2: a server without DSN will not notify the sender; this is as far as it can be followed.
    if (job_->recipients()[recipient].envelope->notify & queue::notify_success)
        outcome.action = session_->offers(smtp::Extension::Dsn) || settings_->assume_final ? dsn::Action::Delivered
                                                                                           : dsn::Action::Relayed;
    return outcome;
}

void Transaction::set_outcome(std::size_t recipient, dsn::Outcome outcome)
{
    outcomes.push_back({.recipient = recipient,
                        .outcome = std::move(outcome),
                        .notification_passed_on = session_->offers(smtp::Extension::Dsn)});
}

// The connection is of no use any more. Always false, for `co_return break_off(...)`.
bool Transaction::break_off(const Error& error, std::string_view stage)
{
    session_->unusable = true;
    session_->protocol_error = session_->protocol_error || error.kind() == ErrorKind::Invalid;
    if (!answered_ && session_->uses > 1 && error.kind() != ErrorKind::Timeout) {
        stale = true;
        return false;
    }
    if (!trouble)
        trouble = broken(session_->target(), error, stage);
    site_trouble = true;
    return false;
}

}  // namespace posthaste::smtp_client
