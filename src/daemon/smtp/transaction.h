// transaction.h — one message over one session: MAIL, RCPT, DATA, content. RFC 5321 3.3, RFC 2920, RFC 2033.
//
// With PIPELINING the commands up to DATA go out in one write, for up to 64 recipients at a time, so that neither side
// fills its buffers while the other does the same. Small content goes out in one write with its final dot; large
// content is written from where it lies in the queue.
//
// Before the final dot the message is checked once more to be what was committed: content that was recycled under the
// reader is never completed, the connection is dropped instead.
#pragma once

#include "daemon/smtp/outgoing.h"
#include "daemon/smtp/session.h"
#include "daemon/smtp/settings.h"
#include "server/delivery_job.h"
#include "smtp/client_commands.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::smtp_client {

class Transaction {
public:
    // recipients: positions in job->recipients().
    Transaction(const Settings& settings, Session& session, server::Job& job, const Outgoing& outgoing,
                std::vector<std::size_t> recipients)
        : settings_(&settings), session_(&session), job_(&job), outgoing_(&outgoing), recipients_(std::move(recipients))
    {
    }

    // Runs to the end or to where the conversation breaks. LMTP: recipients are settled as their replies come.
    Task<void> run();

    // Outcomes of single recipients, those that `trouble` covers left out.
    server::Outcomes outcomes;
    // What became of all others; no value when each has an outcome.
    std::optional<dsn::Outcome> trouble;
    // The trouble is with the connection or the server, not with this message.
    bool site_trouble = false;
    // A kept session turned out to be dead before the server took notice of the transaction: try another one.
    bool stale = false;

private:
    struct Command {
        enum class Verb : unsigned char { Rset, XforwardClient, XforwardSession, Mail, Rcpt, Data } verb;
        std::size_t recipient = 0;  // index into recipients_
    };
    [[nodiscard]] std::optional<dsn::Outcome> check_requirements() const;
    [[nodiscard]] std::vector<Command> plan() const;
    void append(std::string& out, const Command& command) const;
    void append_xforward(std::string& out, smtp::XforwardPart part) const;
    Task<bool> converse(std::vector<Command> commands);
    Task<bool> take_reply(Command command);
    void accept_reply(Command command, const smtp::PeerReply& reply);
    Task<bool> send_content();
    enum class ContentForm : unsigned char { AsItLies, Encoded };
    Task<Result<void>> write_part(std::string_view part, ContentForm form, std::string* out);
    Task<bool> write_content();
    Task<bool> write_end(std::string out);
    [[nodiscard]] bool must_convert() const;
    [[nodiscard]] bool pauses_before_dot() const;
    void log_pix_workarounds() const;
    Task<Result<void>> write_changed(std::vector<std::string_view> parts, std::string* out);
    void defer_unfiltered(const Error& error);
    Task<void> finish_empty();
    bool is_final_reply(const Result<smtp::PeerReply>& reply);
    Task<void> read_final_reply();
    Task<void> read_lmtp_replies();
    bool break_off(const Error& error, std::string_view stage);
    void set_outcome(std::size_t recipient, dsn::Outcome outcome);
    [[nodiscard]] dsn::Outcome final_outcome(const smtp::PeerReply& reply, std::size_t recipient) const;
    [[nodiscard]] const std::string& sender() const;
    [[nodiscard]] const std::string& recipient(std::size_t position) const;
    [[nodiscard]] std::string external(std::string_view address) const;

    const Settings* settings_;
    Session* session_;
    server::Job* job_;
    const Outgoing* outgoing_;
    std::vector<std::size_t> recipients_;
    std::vector<std::size_t> accepted_;  // those of recipients_ that the server took
    bool mail_refused_ = false;
    bool data_accepted_ = false;
    bool answered_ = false;  // some reply has come
};

}  // namespace posthaste::smtp_client
