// session.cc — one of smtp-source's parallel sessions; see sessions.h.
#include "command/smtp-source/sessions.h"

#include "base/text.h"
#include "log/log.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <iterator>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <random>
#include <utility>

namespace posthaste::command::smtp_source {

namespace {

constexpr auto patience = std::chrono::minutes(5);
constexpr auto between_tries = std::chrono::milliseconds(500);
// Up to here a body is copied, so that it goes out in one piece with what stands around it.
constexpr std::size_t worth_copying = std::size_t{128} << 10;

net::Deadline deadline() { return net::Deadline::after(patience); }

// Connects and waits for the first bytes of the greeting at once: that spares half of the system calls that waiting for
// the connection first takes. The TCP window (-T) counts only if it is chosen before.
Task<Result<net::Stream>> connect_to(net::Endpoint server, int window)
{
    if (server.is_unix())
        co_return co_await net::connect(server, deadline());
    UniqueFd fd(::socket(server.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    int one = 1;
    if (!fd || ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0)
        co_return fail_errno("socket");
    if (window > 0 && (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &window, sizeof window) != 0 ||
                       ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &window, sizeof window) != 0))
        co_return fail_errno("set the TCP window");
    if (::connect(fd.get(), server.data(), server.size()) != 0 && errno != EINPROGRESS)
        co_return fail_errno("connect to " + server.text());
    net::Stream stream(std::move(fd));
    CO_TRY(co_await stream.wait_for(net::StreamLayer::Wait::Read, deadline()));
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(stream.fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
        co_return fail(Error::system(error != 0 ? error : errno, "connect to " + server.text()));
    co_return std::move(stream);
}

std::chrono::milliseconds pause_of(const Options& options)
{
    static std::minstd_rand random{std::random_device()()};
    if (options.random_delay.count() == 0)
        return options.fixed_delay;
    std::chrono::milliseconds longest = options.random_delay;
    return std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(0, longest.count())(random));
}

}  // namespace

Task<void> Session::run()
{
    while (std::optional<std::int64_t> message = run_.next_message()) {
        if (!stream_.is_open())
            co_await begin();
        if (pipelining_) {
            co_await send_pipelined(*message);
        } else {
            co_await send_step_by_step(*message);
            if (!run_.options.reuse)
                co_await quit();
        }
        if (auto pause = pause_of(run_.options); pause.count() > 0 && run_.has_next())
            co_await net::sleep_for(pause);
    }
    if (stream_.is_open())
        co_await quit();
}

Task<void> Session::begin()
{
    // Whoever has a place fails the run within the deadlines of its own, or releases it.
    static_cast<void>(co_await run_.connecting.acquire(net::Deadline::never()));
    co_await connect();
    co_await greet();
    run_.connecting.release();
}

Task<void> Session::connect()
{
    for (std::int64_t tries = 1;; ++tries) {
        std::string why;
        for (const net::Endpoint& server : run_.servers) {
            Result<net::Stream> stream = co_await connect_to(server, run_.options.window);
            if (stream) {
                stream_ = std::move(*stream);
                consumed_ = 0;
                co_return;
            }
            why = stream.error().text();
        }
        if (tries >= run_.options.connect_tries)
            run_.fail(why);
        log::warning("{}", why);
        co_await net::sleep_for(between_tries);
    }
}

Task<void> Session::greet()
{
    const Options& options = run_.options;
    ReplyView banner = co_await reply("reading the server's greeting");
    if (banner.hundreds() != 2)
        run_.refused("rejected at server banner", last_line(banner.text));
    if (options.old_mode)
        co_return;
    const char* verb = options.lmtp ? "LHLO" : options.pipelining ? "EHLO" : "HELO";
    out_ = fmt::format("{} {}\r\n", verb, options.hostname);
    co_await write(out_, {}, "sending HELO");
    ReplyView hello = co_await reply("waiting for the reply to HELO");
    if (check(hello, 2, "HELO rejected") && options.pipelining) {
        pipelining_ = announces(hello.text, "PIPELINING");
        if (!pipelining_)
            run_.refused("pipelining is not announced by the server", last_line(hello.text));
    }
}

Task<void> Session::quit()
{
    static_cast<void>(co_await stream_.write_all("QUIT\r\n", deadline()));
    show_sent("QUIT");
    co_await hang_up();
}

Task<void> Session::hang_up()
{
    stream_.consume(std::exchange(consumed_, 0));
    while (!scan_reply(stream_.buffered()))
        if (!co_await stream_.fill(deadline()))
            break;
    stream_.close();
    stream_ = {};
}

Task<void> Session::send_step_by_step(std::int64_t message)
{
    out_ = fmt::format("MAIL FROM:<{}>\r\n", *run_.options.sender);
    if (!co_await exchange(out_, 2, "sender rejected"))
        co_return co_await reset();
    make_recipients();
    for (const std::string& recipient : recipients_) {
        out_.assign("RCPT TO:<").append(recipient).append(">\r\n");
        if (!co_await exchange(out_, 2, "recipient rejected"))
            co_return co_await reset();
    }
    if (!co_await exchange("DATA\r\n", 3, "data rejected"))
        co_return co_await reset();
    out_.clear();
    run_.content.append_header(out_, message, std::time(nullptr));
    co_await write(out_, run_.content.body(), "sending message");
    co_await read_final_replies(message);
}

Task<void> Session::reset() { static_cast<void>(co_await exchange("RSET\r\n", 2, "RSET rejected")); }

Task<void> Session::send_pipelined(std::int64_t message)
{
    const bool pauses = run_.options.fixed_delay.count() + run_.options.random_delay.count() > 0;
    out_.clear();
    append_envelope(out_);
    co_await write(out_, {}, "sending envelope");
    for (;;) {
        const bool expects_content = co_await read_envelope_replies();
        std::vector<std::string> accepted = std::move(recipients_);
        std::optional<std::int64_t> next;
        if (run_.options.reuse && !pauses)
            next = run_.next_message();

        out_.clear();
        std::string_view body = expects_content ? run_.content.body() : "RSET\r\n";
        if (expects_content)
            run_.content.append_header(out_, message, std::time(nullptr));
        if (body.size() > worth_copying) {
            co_await write(out_, body, "sending message");
            out_.clear();
        } else {
            out_.append(body);
        }
        if (next)
            append_envelope(out_);
        else if (!run_.options.reuse)
            out_.append("QUIT\r\n");
        co_await write(out_, {}, "sending message");

        std::swap(accepted, recipients_);
        if (expects_content)
            co_await read_final_replies(message);
        else
            check(co_await reply("waiting for the reply to RSET"), 2, "RSET rejected");
        recipients_ = std::move(accepted);
        if (next) {
            message = *next;
            continue;
        }
        if (!run_.options.reuse)
            co_await hang_up();
        co_return;
    }
}

Task<bool> Session::read_envelope_replies()
{
    bool sender_accepted = check(co_await reply("waiting for the reply to MAIL"), 2, "sender rejected");
    std::size_t accepted = 0;
    for (std::size_t i = 0; i < recipients_.size(); ++i)
        if (check(co_await reply("waiting for the reply to RCPT"), 2, "recipient rejected") && sender_accepted)
            std::swap(recipients_[accepted++], recipients_[i]);
    recipients_.resize(accepted);
    co_return check(co_await reply("waiting for the reply to DATA"), 3, "data rejected");
}

Task<void> Session::read_final_replies(std::int64_t message)
{
    if (run_.options.lmtp) {  // RFC 2033 4.2: one reply a recipient
        std::size_t accepted = 0;
        for (std::size_t i = 0; i < recipients_.size(); ++i)
            if (check(co_await reply("waiting for the reply to end of data"), 2, "end of data rejected"))
                std::swap(recipients_[accepted++], recipients_[i]);
        recipients_.resize(accepted);
    } else if (!check(co_await reply("waiting for the reply to end of data"), 2, "end of data rejected")) {
        recipients_.clear();
    }
    run_.acknowledged(message, recipients_);
    run_.completed();
}

Task<ReplyView> Session::reply(std::string_view doing)
{
    stream_.consume(std::exchange(consumed_, 0));
    for (;;) {
        if (std::optional<ReplyView> found = scan_reply(stream_.buffered())) {
            consumed_ = found->size;
            if (log::verbose())
                for (std::string_view line : split(found->text, "\r\n"))
                    log::debug("<<< {}", printable(line));
            co_return *found;
        }
        Result<void> filled = co_await stream_.fill(deadline());
        if (!filled)
            run_.fail(fmt::format("lost connection while {}: {}", doing, filled.error().text()));
    }
}

Task<void> Session::write(std::string_view first, std::string_view second, std::string_view doing)
{
    show_sent(first);
    Result<void> written = co_await stream_.write_all(first, second, deadline());
    if (!written)
        run_.fail(fmt::format("lost connection while {}: {}", doing, written.error().text()));
}

Task<bool> Session::exchange(std::string_view line, int expected, std::string_view refusal)
{
    co_await write(line, {}, "sending a command");
    co_return check(co_await reply("waiting for a reply"), expected, refusal);
}

bool Session::check(const ReplyView& reply, int expected, std::string_view refusal)
{
    if (reply.hundreds() == expected)
        return true;
    run_.refused(refusal, last_line(reply.text));
    return false;
}

void Session::make_recipients()
{
    const Options& options = run_.options;
    recipients_.resize(static_cast<std::size_t>(options.recipients));
    std::int64_t countdown = options.recipients;
    for (std::string& recipient : recipients_) {
        recipient.clear();
        if (options.number_recipients)
            fmt::format_to(std::back_inserter(recipient), "{}", run_.next_recipient_number());
        else if (countdown > 1)
            fmt::format_to(std::back_inserter(recipient), "{}", countdown--);
        recipient.append(options.recipient);
    }
}

void Session::append_envelope(std::string& out)
{
    make_recipients();
    out.append("MAIL FROM:<").append(*run_.options.sender).append(">\r\n");
    for (const std::string& recipient : recipients_)
        out.append("RCPT TO:<").append(recipient).append(">\r\n");
    out.append("DATA\r\n");
}

void Session::show_sent(std::string_view commands) const
{
    if (log::verbose())
        for (std::string_view line : split(commands, "\r\n"))
            log::debug("{}", printable(line));
}

}  // namespace posthaste::command::smtp_source
