// session.cc — the loop of a session, see session.h.
#include "daemon/smtpd/session.h"

#include "address/fold.h"
#include "daemon/smtpd/footer.h"
#include "daemon/smtpd/tls.h"
#include "log/address_form.h"
#include "log/events_smtpd.h"
#include "log/events_tls.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/smtpd.h"

#include <algorithm>
#include <fmt/format.h>
#include <sys/socket.h>

namespace posthaste::smtpd {

namespace {

// The verb as the log's stage: "too many errors after UNKNOWN".
std::string_view stage_of(smtp::Verb verb) { return smtp::name(verb); }

// postconf(5) smtpd_history_flush_threshold: what such a command has done well, nobody needs to read later.
bool ends_chapter(smtp::Verb verb)
{
    using smtp::Verb;
    return verb == Verb::Ehlo || verb == Verb::Helo || verb == Verb::Rset || verb == Verb::Data;
}

}  // namespace

Session::Session(Shared& shared, net::Stream stream, net::Endpoint peer)
    : shared_(&shared), config_(shared.config.get()), stream_(std::move(stream)), peer_(peer),
      bare_newline_(shared.bare_newline), transcript_(shared.transcripts)
{
    if (shared.context->under_stress())
        config_ = &shared.config->stressed();
    offered_ = offered_extensions();
    shared.sessions.insert(this);
}

Session::~Session() { shared_->sessions.erase(this); }

std::string_view Session::queue_id() const
{
    return transaction_ && transaction_->message ? std::string_view(transaction_->message->queue_id())
                                                 : std::string_view();
}

void Session::log_access(std::string_view action, std::string_view text) const
{
    log::AccessEvent event;
    std::string sender;
    std::string recipient;
    event.queue_id = queue_id();
    event.action = action;
    event.stage = stage_;
    event.client = client_.for_log;
    event.text = text;
    event.protocol = esmtp_ ? "ESMTP" : "SMTP";
    event.helo = helo_;
    if (transaction_) {
        sender = log::address_text(transaction_->sender);
        event.sender = sender;
    }
    if (target_) {
        recipient = log::address_text(target_->address);
        event.recipient = recipient;
    }
    log::smtpd_access(event);
}

net::Deadline Session::read_deadline() const { return net::Deadline::after(config_->get(param::smtpd_timeout)); }

// postconf(5) smtpd_per_request_deadline: a client that sends a byte a minute has one timeout for the whole command.
net::Deadline Session::command_deadline()
{
    if (!config_->get(param::smtpd_per_request_deadline))
        return read_deadline();
    if (!request_deadline_)
        request_deadline_ = read_deadline();
    return *request_deadline_;
}

Task<void> Session::run()
{
    co_await identify_client();
    if (!shared_->context->stand_alone)  // the user's own program is no client
        log::smtpd_connect(client_.for_log);
    bool admitted = co_await admit();
    if (admitted && shared_->tls->wrapped())
        co_await begin_wrapped();
    if (admitted && !over_)
        co_await greet();
    while (!over_) {
        auto limit = static_cast<std::size_t>(config_->get(param::line_length_limit));
        smtp::LineScan scan = smtp::scan_line(stream_.buffered(), limit, skipping_long_line_);
        if (scan.state == smtp::LineScan::State::Incomplete) {
            stream_.consume(scan.consume);
            if (co_await read_more() == Next::End)
                break;
            continue;
        }
        if (scan.state != smtp::LineScan::State::Skipped && scan.line.size() >= limit)
            log::smtpd_long_request(client_.for_log, limit, smtp::escape_for_log(scan.line, 30));
        std::string line(scan.line);
        bool execute_it = scan.state != smtp::LineScan::State::Skipped;
        skipping_long_line_ = scan.state == smtp::LineScan::State::Cut;
        stream_.consume(scan.consume);
        request_deadline_.reset();
        if (!execute_it)
            continue;
        if (scan.bare_newline)
            noted_bare_newline_ = true;
        if (scan.bare_newline && bare_newline_ == smtp::BareNewline::Reject) {
            log::smtpd_session_end(log::SessionEnd::BareNewline, queue_id(), stage_, {}, client_.for_log);
            end_with({config_->get(param::smtpd_forbid_bare_newline_reject_code),
                      fmt::format("5.5.2 {} Error: bare <LF> received", config_->get(param::myhostname))});
            break;
        }
        co_await execute(std::move(line));
        if (!over_ && errors_ >= config_->get(param::smtpd_hard_error_limit)) {
            log::smtpd_session_end(log::SessionEnd::TooManyErrors, queue_id(), stage_, {}, client_.for_log);
            transcript_.aborted("too many errors");
            end_with({421, fmt::format("4.7.0 {} Error: too many errors", config_->get(param::myhostname))});
        }
    }
    co_await finish();
}

// Nothing complete is left: the client gets the replies that are due, then the session waits.
Task<Session::Next> Session::read_more()
{
    co_await flush();
    if (over_)
        co_return Next::End;
    if (shared_->context->leaving() == server::Leaving::Soon) {
        end_with(shutting_down());
        co_return Next::End;
    }
    begin_wait(WaitsFor::Command);
    auto filled = co_await stream_.fill(command_deadline());
    end_wait();
    if (filled)
        co_return Next::Continue;
    end_by_read_error(filled.error());
    co_return Next::End;
}

void Session::end_by_read_error(const Error& error)
{
    if (over_)
        return;
    bool timeout = error.kind() == ErrorKind::Timeout;
    if (tls_ && error.kind() == ErrorKind::Invalid)
        log::tls_library_problem(error.text());
    log::smtpd_session_end(timeout ? log::SessionEnd::Timeout : log::SessionEnd::LostConnection, queue_id(), stage_,
                           data_bytes_, client_.for_log);
    if (timeout)
        end_with({421, fmt::format("4.4.2 {} Error: timeout exceeded", config_->get(param::myhostname))});
    over_ = true;
}

void Session::begin_wait(WaitsFor what)
{
    waits_for_ = what;
    ++waits_;
}

smtp::Reply Session::shutting_down() const
{
    return {421, fmt::format("4.3.2 {} Error: the mail system is shutting down", config_->get(param::myhostname))};
}

void Session::interrupt()
{
    if (waits_for_ == WaitsFor::Handshake) {
        over_ = true;
        ::shutdown(stream_.fd(), SHUT_RD);
    }
    if (waits_for_ != WaitsFor::Command)
        return;
    std::string text;
    smtp::append_reply(text, shutting_down());
    // The client waits for nothing at this moment; whether it hears the reason is its luck.
    stream_.write_without_waiting(text);
    over_ = true;
    stream_.shutdown_write();
    ::shutdown(stream_.fd(), SHUT_RD);
}

void Session::cut_off()
{
    const bool moves = std::exchange(waits_seen_, waits_) != waits_;
    if (waits_for_ == WaitsFor::Nothing || (moves && waits_for_ != WaitsFor::Content))
        return;
    over_ = true;
    if (waits_for_ == WaitsFor::Content) {
        std::string text;
        smtp::append_reply(text, shutting_down());
        stream_.write_without_waiting(text);
    }
    ::shutdown(stream_.fd(), SHUT_RDWR);
}

// A last reply, sent together with what is due; then the connection is closed.
void Session::end_with(Reply reply)
{
    if (config_->get(param::soft_bounce))
        reply = smtp::softened(std::move(reply));
    transcript_.sent(reply);
    smtp::append_reply(out_, reply);
    over_ = true;
}

// Whether a command has input behind it that it must not have (RFC 2920 3.1): these commands end a group.
bool Session::check_pipelining(smtp::Verb verb)
{
    switch (verb) {
    case smtp::Verb::Mail:
    case smtp::Verb::Rcpt:
    case smtp::Verb::Rset:
    case smtp::Verb::Quit: return true;
    default: break;
    }
    std::string_view rest = stream_.buffered();
    if (rest.empty() || shared_->context->stand_alone)  // a script's input comes in one piece
        return true;
    bool first = !improper_pipelining_;
    improper_pipelining_ = true;
    if (first)
        log::smtpd_improper_pipelining(queue_id(), stage_, client_.for_log, smtp::escape_for_log(rest, 100));
    // What was sent behind STARTTLS in the clear is thrown away with the handshake (starttls.cc).
    if (!config_->get(param::smtpd_forbid_unauth_pipelining) || verb == smtp::Verb::Starttls)
        return true;
    end_with({554, "5.5.0 Error: SMTP protocol synchronization"});
    return false;
}

bool Session::junk_limit_reached(smtp::Verb verb)
{
    switch (verb) {
    case smtp::Verb::Rset:
    case smtp::Verb::Noop:
    case smtp::Verb::Vrfy:
    case smtp::Verb::Etrn:
    case smtp::Verb::Help: return ++junk_commands_ > config_->get(param::smtpd_junk_command_limit);
    default: return false;
    }
}

Task<void> Session::execute(std::string line)
{
    line.erase(std::min(line.find('\0'), line.size()));
    transcript_.received(line);
    if (farewell_) {
        end_with(std::move(*farewell_));
        co_return;
    }
    if (config_->get(param::smtputf8_enable) && !address::is_ascii(line) && !address::is_valid_utf8(line)) {
        ++errors_;
        co_await send({500, "5.5.2 Error: bad UTF-8 syntax"});
        co_return;
    }
    if (!shared_->command_filter.empty() && !co_await filter_command(&line))
        co_return;
    smtp::Command command = smtp::parse_command(line);
    if (command.word.empty()) {
        ++errors_;
        co_await send({500, "5.5.2 Error: bad syntax"});
        co_return;
    }
    bool treated_as_noop = !shared_->noop_commands.empty() &&
                           std::ranges::any_of(shared_->noop_commands,
                                               [&](const auto& w) { return equal_ignoring_case(w, command.word); });
    if (treated_as_noop)
        command.verb = smtp::Verb::Noop;
    Count uncounted;
    Count& count = treated_as_noop ? uncounted : counts_[static_cast<std::size_t>(command.verb)];
    ++count.total;
    const bool too_early = needs_tls(command.verb);
    if (!too_early)
        stage_ = stage_of(command.verb);
    if (!check_pipelining(command.verb)) {
        ++count.failed;
        co_return;
    }
    Reply reply;
    if (refused_ && command.verb != smtp::Verb::Quit)
        reply = {503, "5.7.0 Error: access denied for " + client_.for_log};
    else if (too_early)
        reply = {530, "5.7.0 Must issue a STARTTLS command first"};
    else if (command.verb == smtp::Verb::Unknown)
        reply = co_await unknown_command(std::string(command.word), line);
    else
        reply = co_await dispatch(command);
    bool failed = reply.is_error() || (over_ && command.verb != smtp::Verb::Quit);
    if (failed) {
        ++count.failed;
        transcript_.failed(line, reply);
    } else if (ends_chapter(command.verb)) {
        transcript_.begin_chapter(line);
    }
    bool tolerated =
        reply.code == 452 && transaction_ && transaction_->beyond_limit > 0 &&
        transaction_->beyond_limit <= static_cast<std::size_t>(config_->get(param::smtpd_recipient_overshoot_limit));
    if ((failed && !tolerated) || junk_limit_reached(command.verb))
        ++errors_;
    if (reply.code != 0)
        co_await send(std::move(reply));
}

// postconf(5) smtpd_command_filter: another line takes the place of the client's. False: it has been answered.
Task<bool> Session::filter_command(std::string* line)
{
    auto found = co_await shared_->command_filter.find(*line);
    if (found && *found)
        *line = std::move(**found);
    if (found)
        co_return true;
    log::warning("smtpd_command_filter: {}", found.error().text());
    co_await send({451, "4.3.5 Server configuration error"});
    co_return false;
}

Task<Session::Reply> Session::dispatch(smtp::Command command)
{
    using smtp::Verb;
    switch (command.verb) {
    case Verb::Helo:
    case Verb::Ehlo: co_return co_await helo(command.verb, std::string(command.arguments));
    case Verb::Mail: co_return co_await mail(std::string(command.arguments));
    case Verb::Rcpt: co_return co_await rcpt(std::string(command.arguments));
    case Verb::Data: co_return co_await data(std::string(command.arguments));
    case Verb::Vrfy: co_return co_await vrfy(std::string(command.arguments));
    case Verb::Rset: co_return rset(command.arguments);
    case Verb::Noop: co_return noop();
    case Verb::Help: co_return help();
    case Verb::Etrn: co_return co_await etrn(std::string(command.arguments));
    case Verb::Quit: co_return quit();
    case Verb::Auth: co_return Reply{503, "5.5.1 Error: authentication not enabled"};
    case Verb::Xclient:
    case Verb::Xforward: co_return Reply{550, "5.7.0 Error: insufficient authorization"};
    case Verb::Starttls: co_return co_await starttls(std::string(command.arguments));
    case Verb::Bdat: co_return Reply{502, "5.5.1 Error: command not implemented"};
    case Verb::Unknown: break;
    }
    co_return Reply{500, "5.5.2 Error: command not recognized"};
}

// Replies wait for each other; a client that makes too many errors is also made to wait (postconf(5)
// smtpd_soft_error_limit).
Task<void> Session::send(Reply reply)
{
    if (config_->get(param::soft_bounce))
        reply = smtp::softened(std::move(reply));
    if (reply.is_error())
        co_await add_footer(this, &reply);
    if (errors_ >= config_->get(param::smtpd_soft_error_limit)) {
        co_await flush();
        if (auto pause = config_->get(param::smtpd_error_sleep_time); pause.count() > 0)
            co_await net::sleep_for(pause);
    }
    if (reply.is_error() && !config_->get(param::smtputf8_enable))  // a refusal quotes what the client said
        std::ranges::replace_if(reply.text, [](char c) { return (c & 0x80) != 0; }, ' ');
    transcript_.sent(reply);
    smtp::append_reply(out_, reply);
    // access(5): 421 and 521 end the session.
    if (reply.code == 421 || reply.code == 521)
        over_ = true;
}

Task<void> Session::flush()
{
    if (out_.empty())
        co_return;
    std::string text = std::move(out_);
    out_.clear();
    begin_wait(WaitsFor::Reading);
    auto written = co_await stream_.write_together(text, read_deadline());
    end_wait();
    if (written)
        co_return;
    end_by_read_error(written.error());
    if (tls_)
        out_.clear();  // half a record is out, and nothing fits behind it
}

std::string Session::command_counts() const
{
    std::string text;
    Count all;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
        const Count& count = counts_[i];
        if (count.total == 0)
            continue;
        all.total += count.total;
        all.failed += count.failed;
        text +=
            ' ' + to_lower(smtp::name(static_cast<smtp::Verb>(i))) + '=' + std::to_string(count.total - count.failed);
        if (count.failed > 0)
            text += '/' + std::to_string(count.total);
    }
    text += " commands=" + std::to_string(all.total - all.failed);
    if (all.failed > 0 || all.total == 0)
        text += '/' + std::to_string(all.total);
    if (noted_bare_newline_)
        text += " notes=bare_lf";
    return text;
}

Task<void> Session::finish()
{
    over_ = true;
    if (!out_.empty()) {
        constexpr auto patience = std::chrono::seconds(10);
        begin_wait(WaitsFor::Reading);
        static_cast<void>(co_await stream_.write_all(out_, net::Deadline::after(patience)));
        end_wait();
    }
    co_await end_tls();
    reset_transaction();
    if (!shared_->context->stand_alone)
        log::smtpd_disconnect(client_.for_log, command_counts());
    if (counted_by_anvil_)
        co_await report(anvil::Event::Disconnect);
    co_await transcript_.report(client_.for_log);
}

}  // namespace posthaste::smtpd
