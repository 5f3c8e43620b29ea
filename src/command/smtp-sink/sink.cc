// sink.cc — counters, ledger, end; see sink.h.
#include "command/smtp-sink/sink.h"

#include "net/loop.h"
#include "testmail/command_line.h"

#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <utility>

namespace posthaste::command::smtp_sink {

namespace {

// Postfix's, line for line, the empty last one included.
std::string make_ehlo_reply(const Options& options)
{
    std::string reply = fmt::format("250-{}\r\n", options.hostname);
    auto announce = [&reply](bool wanted, std::string_view keyword) {
        if (wanted)
            reply.append("250-").append(keyword).append("\r\n");
    };
    announce(options.announce_pipelining, "PIPELINING");
    announce(options.announce_8bitmime, "8BITMIME");
    announce(options.announce_auth, "AUTH PLAIN LOGIN");
    announce(options.xclient, "XCLIENT NAME HELO");
    announce(options.xforward, "XFORWARD NAME ADDR PROTO HELO");
    announce(options.announce_enhanced_codes, "ENHANCEDSTATUSCODES");
    announce(options.announce_dsn, "DSN");
    return reply + "250 ";
}

}  // namespace

Sink::Sink(const Options& chosen, std::optional<testmail::Ledger> ledger)
    : options(chosen), ehlo_reply(make_ehlo_reply(chosen)), ledger_(std::move(ledger))
{
}

void Sink::session_ended()
{
    ++sessions_;
    show_counters();
    if (options.sessions > 0 && sessions_ >= options.sessions)
        net::Loop::current().stop();
}

void Sink::quit() { ++quits_; }

void Sink::message_received()
{
    ++messages_;
    show_counters();
}

void Sink::keep(std::string_view id, std::span<const std::string> recipients)
{
    ledger_->add(id, recipients, std::chrono::system_clock::now());
    Result<void> written = ledger_->write_out();
    if (!written)
        testmail::die(fmt::format("{}: {}", options.ledger, written.error().text()));
}

void Sink::show_counters() const
{
    if (options.counters)
        fmt::print("sess={} quit={} mesg={}\r", sessions_, quits_, messages_);
}

}  // namespace posthaste::command::smtp_sink
