// What all sessions of smtp-sink share, and one session.
#pragma once

#include "command/smtp-sink/dump.h"
#include "command/smtp-sink/options.h"
#include "net/endpoint.h"
#include "net/stream.h"
#include "net/task.h"
#include "testmail/ledger.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::command::smtp_sink {

// Counters, ledger, and when it is enough. Lives as long as the program; belongs to the loop's thread.
class Sink {
public:
    Sink(const Options& chosen, std::optional<testmail::Ledger> ledger);

    void session_ended();
    void quit();
    void message_received();
    // Before a message is acknowledged: a ledger must have whatever a client was promised.
    void keep(std::string_view id, std::span<const std::string> recipients);
    [[nodiscard]] bool has_ledger() const { return ledger_.has_value(); }
    // -M: as many messages have come as were wanted.
    [[nodiscard]] bool has_enough() const { return options.messages > 0 && messages_ >= options.messages; }

    const Options options;
    const std::string ehlo_reply;

private:
    void show_counters() const;
    std::optional<testmail::Ledger> ledger_;
    std::int64_t sessions_ = 0;
    std::int64_t quits_ = 0;
    std::int64_t messages_ = 0;
};

// One client. Owned by its task.
class Session {
public:
    Session(Sink& sink, net::Stream stream, net::Endpoint peer);
    // Until the client or the options end it.
    Task<void> run();

private:
    enum class Next : unsigned char { Go, Content, Close };

    Task<void> serve();
    // Waits as -w and -W say.
    Task<void> delay(Verb verb);
    // Sends what has been answered so far. False: the connection is lost.
    Task<bool> flush();
    Task<bool> fill();
    // Reads a message up to its end. False: the connection is lost, or -A has ended it.
    Task<bool> receive_content();

    Next execute(std::optional<Verb> verb, std::string_view argument);
    // The end of a message.
    Next end_of_data();
    // -q -Q -f -r; none if the command is treated well.
    std::optional<Next> mistreat(Verb verb, std::size_t replies = 1);
    Next hello(Verb verb, std::string_view argument);
    Next mail(std::string_view argument);
    Next rcpt(std::string_view argument);
    Next data();
    void reset();
    void answer(std::string_view line) { out_.append(line).append("\r\n"); }
    void show(Verb verb, std::string_view line) const;

    Sink& sink_;
    net::Stream stream_;
    net::Endpoint peer_;
    std::string out_;
    std::string line_;
    Envelope envelope_;
    testmail::IdFinder id_;
    std::unique_ptr<Dump> dump_;
    std::size_t recipients_ = 0;
    bool in_transaction_ = false;
};

}  // namespace posthaste::command::smtp_sink
