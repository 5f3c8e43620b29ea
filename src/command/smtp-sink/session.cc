// session.cc — one client of smtp-sink; see sink.h.
#include "command/smtp-sink/sink.h"

#include "base/text.h"
#include "command/smtp-sink/end_of_data.h"
#include "log/log.h"
#include "testmail/command_line.h"

#include <syslog.h>
#include <utility>

namespace posthaste::command::smtp_sink {

namespace {

constexpr std::size_t longest_line = std::size_t{64} << 10;

// "FROM:<a@b> SIZE=10" without "FROM:".
std::string_view behind_colon(std::string_view argument)
{
    std::size_t colon = argument.find(':');
    return colon == std::string_view::npos ? argument : trim(argument.substr(colon + 1));
}

// The address of "<a@b> NOTIFY=NEVER".
std::string_view address_of(std::string_view path)
{
    if (!path.starts_with('<'))
        return path.substr(0, path.find(' '));
    bool quoted = false;
    for (std::size_t i = 1; i < path.size(); ++i) {
        if (path[i] == '\\')
            ++i;
        else if (path[i] == '"')
            quoted = !quoted;
        else if (path[i] == '>' && !quoted)
            return path.substr(1, i - 1);
    }
    return path.substr(1);
}

}  // namespace

Session::Session(Sink& sink, net::Stream stream, net::Endpoint peer)
    : sink_(sink), stream_(std::move(stream)), peer_(peer)
{
    if (!sink_.options.dumps())
        return;
    envelope_.client = peer_.is_unix() ? "localhost" : peer_.address();
    if (peer_.family() == AF_INET6 && envelope_.client.contains(':'))
        envelope_.client.insert(0, "ipv6:");
    envelope_.protocol = sink_.options.lmtp ? "LMTP" : "SMTP";
}

Task<void> Session::run()
{
    log::debug("connect ({})", peer_.is_unix() ? "AF_UNIX" : peer_.address());
    co_await serve();
    log::debug("disconnect");
    stream_.close();
    sink_.session_ended();
}

Task<void> Session::serve()
{
    const Options& options = sink_.options;
    co_await delay(Verb::Connect);
    Next next = Next::Go;
    if (std::optional<Next> other = mistreat(Verb::Connect))
        next = *other;
    else if (options.pix)
        answer("220 ********");
    else
        out_.append("220 ").append(options.hostname).append(options.esmtp ? " ESMTP\r\n" : "\r\n");
    while (next != Next::Close) {
        std::size_t end = stream_.buffered().find('\n');
        if (end == std::string_view::npos) {
            if (stream_.buffered().size() > longest_line || !co_await flush() || !co_await fill())
                co_return;
            continue;
        }
        line_ = trim(stream_.buffered().substr(0, end));
        stream_.consume(end + 1);
        std::size_t blank = std::min(line_.find(' '), line_.size());
        std::optional<Verb> verb = find_verb(std::string_view(line_).substr(0, blank));
        if (verb) {
            show(*verb, line_);
            co_await delay(*verb);
        }
        next = execute(verb, trim(std::string_view(line_).substr(blank)));
        if (next == Next::Content) {
            if (!co_await receive_content())
                co_return;
            show(Verb::Dot, ".");
            co_await delay(Verb::Dot);
            next = end_of_data();
        }
        if (sink_.has_enough()) {
            co_await flush();
            net::Loop::current().stop();
            co_return;
        }
    }
    co_await flush();
}

Task<void> Session::delay(Verb verb)
{
    const Treatment& treatment = sink_.options.treatment(verb);
    if (treatment.delay.count() == 0)
        co_return;
    co_await flush();
    co_await net::sleep_for(roll_delay(treatment));
}

Task<bool> Session::flush()
{
    if (out_.empty())
        co_return true;
    Result<void> written = co_await stream_.write_all(out_, net::Deadline::after(sink_.options.timeout));
    out_.clear();
    if (!written && written.error().kind() == ErrorKind::Timeout)
        log::warning("write timeout");
    co_return written.has_value();
}

Task<bool> Session::fill()
{
    Result<void> filled = co_await stream_.fill(net::Deadline::after(sink_.options.timeout));
    if (!filled && filled.error().kind() == ErrorKind::Timeout)
        log::warning("read timeout");
    co_return filled.has_value();
}

Task<bool> Session::receive_content()
{
    const Options& options = sink_.options;
    if (options.abort_after) {
        co_await flush();
        co_await net::sleep_for(*options.abort_after);
        answer("550 This violates SMTP");
        co_await flush();
        co_return false;
    }
    if (options.read_delay.count() > 0) {
        co_await flush();
        co_await net::sleep_for(options.read_delay);
    }
    EndOfData end;
    smtp::DataDecoder decoder(smtp::BareNewline::Normalize);
    for (;;) {
        std::string_view piece = stream_.buffered();
        std::size_t used = dump_ ? decoder.feed(piece, *dump_) : end.feed(piece);
        if (sink_.has_ledger())
            id_.feed(piece.substr(0, used));
        stream_.consume(used);
        if (end.finished() || decoder.finished())
            co_return true;
        if (!co_await flush() || !co_await fill())
            co_return false;
    }
}

std::optional<Session::Next> Session::mistreat(Verb verb, std::size_t replies)
{
    const Treatment& treatment = sink_.options.treatment(verb);
    if (treatment.disconnect) {
        out_.clear();
        return Next::Close;
    }
    if (treatment.disconnect_with_reply) {
        answer("421 4.0.0 Server closing connection");
        return Next::Close;
    }
    if (!treatment.hard_error && !treatment.soft_error)
        return std::nullopt;
    for (std::size_t i = 0; i < replies; ++i)
        answer(treatment.hard_error ? sink_.options.hard_error : sink_.options.soft_error);
    return Next::Go;
}

Session::Next Session::execute(std::optional<Verb> verb, std::string_view argument)
{
    const Options& options = sink_.options;
    // The names of what is no command line, or switched off.
    bool known = verb && *verb != Verb::Connect && *verb != Verb::Dot && (*verb != Verb::Lhlo || options.lmtp) &&
                 (*verb != Verb::Helo || !options.lmtp) && (*verb != Verb::Ehlo || (options.esmtp && !options.lmtp)) &&
                 (*verb != Verb::Xclient || options.xclient) && (*verb != Verb::Xforward || options.xforward);
    if (!known) {
        answer(line_.empty() ? "500 5.5.2 Error: unknown command" : "500 5.5.1 Error: unknown command");
        return Next::Go;
    }
    if (std::optional<Next> other = mistreat(*verb))
        return *other;
    switch (*verb) {
    case Verb::Helo:
    case Verb::Ehlo:
    case Verb::Lhlo: return hello(*verb, argument);
    case Verb::Mail: return mail(argument);
    case Verb::Rcpt: return rcpt(argument);
    case Verb::Data: return data();
    case Verb::Rset:
        reset();
        answer("250 2.1.0 Ok");
        return Next::Go;
    case Verb::Quit:
        sink_.quit();
        answer("221 Bye");
        return Next::Close;
    default: answer("250 2.0.0 Ok"); return Next::Go;
    }
}

Session::Next Session::hello(Verb verb, std::string_view argument)
{
    reset();
    if (sink_.options.dumps()) {
        envelope_.helo = argument;
        if (verb != Verb::Lhlo)
            envelope_.protocol = verb == Verb::Ehlo ? "ESMTP" : "SMTP";
    }
    if (verb == Verb::Helo)
        out_.append("250 ").append(sink_.options.hostname).append("\r\n");
    else
        answer(sink_.ehlo_reply);
    return Next::Go;
}

Session::Next Session::mail(std::string_view argument)
{
    if (in_transaction_) {
        answer("503 5.5.1 Error: nested MAIL command");
        return Next::Go;
    }
    in_transaction_ = true;
    if (sink_.options.dumps())
        envelope_.sender = behind_colon(argument);
    answer("250 2.1.0 Ok");
    return Next::Go;
}

Session::Next Session::rcpt(std::string_view argument)
{
    if (!in_transaction_) {
        answer("503 5.5.1 Error: need MAIL command");
        return Next::Go;
    }
    ++recipients_;
    if (sink_.has_ledger() || sink_.options.dumps())
        envelope_.recipients.emplace_back(behind_colon(argument));
    answer("250 2.1.5 Ok");
    return Next::Go;
}

Session::Next Session::data()
{
    if (recipients_ == 0) {
        answer("503 5.5.1 Error: need RCPT command");
        return Next::Go;
    }
    if (sink_.options.dumps()) {
        Result<std::unique_ptr<Dump>> dump = Dump::begin(sink_.options, envelope_);
        if (!dump)
            testmail::die(dump.error().text());
        dump_ = std::move(*dump);
    }
    answer("354 End data with <CR><LF>.<CR><LF>");
    return Next::Content;
}

Session::Next Session::end_of_data()
{
    sink_.message_received();
    if (dump_)
        if (Result<void> finished = dump_->finish(); !finished)
            testmail::die(finished.error().text());
    std::size_t replies = sink_.options.lmtp ? recipients_ : 1;
    std::optional<Next> other = mistreat(Verb::Dot, replies);
    if (!other) {
        if (sink_.has_ledger()) {
            for (std::string& recipient : envelope_.recipients)
                recipient = std::string(address_of(recipient));
            sink_.keep(id_.id(), envelope_.recipients);
        }
        for (std::size_t i = 0; i < replies; ++i)
            answer(sink_.options.lmtp ? "250 2.2.0 Ok" : "250 2.0.0 Ok");
    }
    reset();
    return other.value_or(Next::Go);
}

void Session::reset()
{
    in_transaction_ = false;
    recipients_ = 0;
    envelope_.recipients.clear();
    envelope_.sender.clear();
    id_.reset();
    dump_.reset();
}

void Session::show(Verb verb, std::string_view line) const
{
    if (log::verbose())
        log::debug("{}", printable(line));
    if (sink_.options.treatment(verb).log)
        ::syslog(LOG_INFO, "%s", printable(line).c_str());
}

}  // namespace posthaste::command::smtp_sink
