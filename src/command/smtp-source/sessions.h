// The run: what all sessions of smtp-source share.
#pragma once

#include "command/smtp-source/content.h"
#include "command/smtp-source/options.h"
#include "command/smtp-source/reply.h"
#include "net/endpoint.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/tasks.h"
#include "testmail/ledger.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::command::smtp_source {

// Hands out message numbers, counts, and keeps the ledger. Lives as long as the program; belongs to the loop's thread.
class Run {
public:
    Run(const Options& options, Content content, std::vector<net::Endpoint> servers,
        std::optional<testmail::Ledger> ledger);

    // The next message to send; none when all have been handed out.
    std::optional<std::int64_t> next_message();
    [[nodiscard]] bool has_next() const { return next_ <= options.messages; }
    // -N: numbers that no recipient of this run has had yet.
    std::int64_t next_recipient_number() { return ++recipient_number_; }
    // A DATA command completed, well or not (-c).
    void completed();
    void acknowledged(std::int64_t message, std::span<const std::string> recipients);

    // "<what>: <reply>" as a warning (-A), or as the end of the program.
    void refused(std::string_view what, std::string_view reply);
    // Writes the ledger and ends the program with status 1.
    [[noreturn]] void fail(std::string_view text);
    // Counter and ledger, each time before the loop waits.
    void before_wait();

    const Options options;
    const Content content;
    const std::vector<net::Endpoint> servers;
    net::Semaphore connecting;  // --connecting

private:
    void write_ledger();
    std::optional<testmail::Ledger> ledger_;
    std::int64_t next_ = 1;
    std::int64_t completed_ = 0;
    std::int64_t recipient_number_ = 0;
};

// One of the parallel sessions: takes messages from the run until there is none left. Owned by its task.
class Session {
public:
    explicit Session(Run& run) : run_(run) {}
    Task<void> run();

private:
    // Until the server has greeted, with --connecting others at most.
    Task<void> begin();
    Task<void> connect();
    Task<void> greet();
    Task<void> quit();
    // Waits for the reply to QUIT and closes. What the server says, or that it is gone, changes nothing any more.
    Task<void> hang_up();
    // One message, a command and its reply at a time.
    Task<void> send_step_by_step(std::int64_t message);
    // RSET after something was refused.
    Task<void> reset();
    // All messages of a connection with as few round trips as RFC 2920 allows; begins with this one.
    Task<void> send_pipelined(std::int64_t message);
    // The replies to an envelope: whether content is expected. What was refused is taken out of recipients_.
    Task<bool> read_envelope_replies();
    Task<void> read_final_replies(std::int64_t message);

    Task<ReplyView> reply(std::string_view doing);  // valid until the next one
    Task<void> write(std::string_view first, std::string_view second, std::string_view doing);
    // Sends a line and reads its reply: whether it begins with this digit.
    Task<bool> exchange(std::string_view line, int expected, std::string_view refusal);
    bool check(const ReplyView& reply, int expected, std::string_view refusal);
    void make_recipients();
    void append_envelope(std::string& out);
    void show_sent(std::string_view commands) const;

    Run& run_;
    net::Stream stream_;
    std::string out_;
    std::vector<std::string> recipients_;
    std::size_t consumed_ = 0;  // of the buffer, when the next reply is asked for
    bool pipelining_ = false;
};

}  // namespace posthaste::command::smtp_source
