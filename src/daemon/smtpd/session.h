// One SMTP session: the dialogue with one client. RFC 5321.
//
// session.cc has the loop: it takes command lines from the stream's buffer, runs them one after the other, and writes
// replies in batches, when no complete command is left in the buffer. Each verb has a file of its own (mail.cc,
// rcpt.cc, ...), restriction lists are evaluated in policy.cc.
//
// Idle sessions are to be many and cheap: the stream's buffer is freed while the session waits, a transaction is
// allocated by MAIL, and the loop is one coroutine frame.
#pragma once

#include "base/text.h"
#include "daemon/smtpd/client.h"
#include "daemon/smtpd/policy.h"
#include "daemon/smtpd/shared.h"
#include "daemon/smtpd/transaction.h"
#include "daemon/smtpd/transcript.h"
#include "log/events_smtpd.h"
#include "net/endpoint.h"
#include "net/stream.h"
#include "smtp/command.h"
#include "smtp/line_reader.h"
#include "smtp/reply.h"
#include "tls/facts.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace posthaste::tls {
class ServerContext;
}

namespace posthaste::smtpd {

// Life time: its coroutine run(), started by the service. Loop's thread.
class Session {
public:
    Session(Shared& shared, net::Stream stream, net::Endpoint peer);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Task<void> run();
    // The mail system stops: an idle client is told 421 and disconnected.
    void interrupt();
    // Some time later, again and again: who is still sending a message is disconnected, and who has not moved since the
    // last time. What is being stored is not interrupted.
    void cut_off();

    // The reply that would refuse a message from this client (explain.cc): client, HELO, MAIL and RCPT are judged as in
    // run(), but nothing is sent, counted or begun. Nothing: the recipient would be accepted.
    struct Question {
        std::string helo;
        std::string sender;     // external form, in the path's angle brackets
        std::string recipient;  // the same
    };
    Task<std::optional<smtp::Reply>> explain(Question question);

    // --- what restrictions look at (policy.cc)
    [[nodiscard]] Shared& shared() const { return *shared_; }
    [[nodiscard]] const config::Config& config() const { return *config_; }
    [[nodiscard]] const Client& client() const { return client_; }
    [[nodiscard]] const std::string& helo() const { return helo_; }
    [[nodiscard]] Transaction* transaction() const { return transaction_.get(); }
    [[nodiscard]] std::string_view queue_id() const;
    // The client matches mynetworks. An error is temporary.
    [[nodiscard]] const Result<bool>& in_mynetworks() const { return in_mynetworks_; }
    [[nodiscard]] bool improper_pipelining() const { return improper_pipelining_; }
    // Of the TLS connection; null without TLS.
    [[nodiscard]] const tls::Facts* tls() const { return tls_.get(); }
    // "NOQUEUE: reject: RCPT from ...": what was decided about the current command.
    void log_access(std::string_view action, std::string_view text) const;
    [[nodiscard]] std::string_view stage() const { return stage_; }
    // The recipient of the current RCPT or VRFY, as the client gave it, in internal form; what routing says of it.
    struct Target {
        std::string address;
        routing::Route route;
    };
    [[nodiscard]] const Target* target() const { return target_; }
    // What the current ETRN asks for; empty with other commands.
    [[nodiscard]] std::string_view etrn_site() const { return etrn_site_; }

private:
    // What the client has to do before the session goes on.
    enum class WaitsFor : unsigned char { Nothing, Command, Content, Reading, Handshake };
    void begin_wait(WaitsFor what);
    void end_wait() { waits_for_ = WaitsFor::Nothing; }
    [[nodiscard]] smtp::Reply shutting_down() const;

    using Reply = smtp::Reply;
    enum class Next : std::uint8_t { Continue, End };

    // --- session.cc: the loop
    Task<void> greet();
    Task<Next> read_more();
    Task<void> execute(std::string line);
    Task<bool> filter_command(std::string* line);
    Task<Reply> dispatch(smtp::Command command);
    Task<void> send(Reply reply);
    Task<void> flush();
    [[nodiscard]] net::Deadline read_deadline() const;
    [[nodiscard]] net::Deadline command_deadline();
    [[nodiscard]] bool junk_limit_reached(smtp::Verb verb);
    bool check_pipelining(smtp::Verb verb);
    void end_by_read_error(const Error& error);
    void end_with(Reply reply);
    Task<void> finish();
    [[nodiscard]] std::string command_counts() const;

    // --- connect.cc: who is it, and may it come in?
    Task<void> identify_client();
    Task<bool> admit();
    Task<std::optional<anvil::Reply>> report(anvil::Event event);
    Task<std::optional<int>> rate_beyond(anvil::Event event, int fastest);
    Task<bool> is_too_fast(anvil::Event event, int fastest, log::RateLimit limit);
    [[nodiscard]] bool limits_apply() const;
    Task<intake::RewriteContext> rewrite_context();

    // --- starttls.cc
    [[nodiscard]] bool needs_tls(smtp::Verb verb) const;
    Task<void> begin_wrapped();
    Task<void> start_tls(std::shared_ptr<const tls::ServerContext> context);
    Task<bool> renews_tls_too_fast();
    void log_handshake(const tls::Facts& facts) const;
    void check_certificate();
    void forget_what_was_said();
    Task<void> end_tls();

    // --- one file a verb
    Task<Reply> helo(smtp::Verb verb, std::string name);
    Task<Reply> mail(std::string arguments);
    Task<Reply> rcpt(std::string arguments);
    Task<Reply> data(std::string arguments);
    Task<Reply> vrfy(std::string arguments);
    Task<Reply> etrn(std::string arguments);
    Task<Reply> starttls(std::string arguments);
    Reply help() const;
    Reply noop() const;
    Reply quit();
    Reply rset(std::string_view arguments);
    Task<Reply> unknown_command(std::string word, std::string line);
    [[nodiscard]] Task<Result<bool>> is_forbidden(std::string word);

    // --- parts of verbs
    [[nodiscard]] smtp::ExtensionSet offered_extensions() const;
    Task<smtp::ExtensionSet> discarded_for_client();
    [[nodiscard]] bool declares_utf8(std::span<const std::string_view> parameters) const;
    [[nodiscard]] std::optional<Reply> check_utf8(std::string_view address, bool declared,
                                                  const std::function<Reply()>& bad_syntax) const;
    [[nodiscard]] std::optional<Reply> check_verp(Transaction& transaction) const;
    Task<std::optional<Reply>> check_recipient(Target* target);  // fills target->route
    Task<std::optional<Reply>> recipient_objection(Target* target);
    Task<std::optional<Reply>> client_objection();
    Task<std::optional<Reply>> sender_objection();
    Task<std::optional<Reply>> check_message(const RestrictionList* list, ListKind kind);
    Task<std::optional<Reply>> check_unlisted();
    Task<std::optional<Reply>> check_etrn(std::string site);
    [[nodiscard]] std::expected<std::unique_ptr<Transaction>, Reply> parse_mail(std::string_view arguments) const;
    [[nodiscard]] std::optional<Reply> check_size() const;
    std::optional<Reply> begin_message();
    std::optional<Reply> add_recipient(const Target& target, const smtp::RcptParameters& parameters);
    Task<void> receive_content();
    void apply_effects();
    Task<Reply> finish_message();
    void reset_transaction();
    [[nodiscard]] std::string tls_comment() const;
    [[nodiscard]] std::string received_header() const;

    Shared* shared_;
    const config::Config* config_;  // the snapshot, or its twin under stress
    net::Stream stream_;
    net::Endpoint peer_;
    Client client_;
    Result<bool> in_mynetworks_ = false;
    smtp::BareNewline bare_newline_;
    intake::RewriteContext rewrite_context_ = intake::RewriteContext::Remote;
    std::string helo_;
    smtp::ExtensionSet offered_;
    std::unique_ptr<tls::Facts> tls_;
    std::string out_;  // replies that are not written yet
    SessionTranscript transcript_;
    std::unique_ptr<Transaction> transaction_;
    const Target* target_ = nullptr;
    std::string_view etrn_site_;
    std::string_view stage_ = "CONNECT";
    std::optional<Reply> refused_;    // by client restrictions at connect time: the session is only there to QUIT
    std::optional<Reply> farewell_;   // the answer to the next command, whatever it is: this client may not stay
    PendingVerdicts client_pending_;  // of client restrictions
    PendingVerdicts pending_;         // of client and HELO restrictions
    std::optional<std::uint64_t> data_bytes_;        // of the content that is being received
    std::optional<net::Deadline> request_deadline_;  // smtpd_per_request_deadline: of the command under way

    struct Count {
        std::uint32_t total = 0;
        std::uint32_t failed = 0;
    };
    std::array<Count, smtp::verb_count> counts_{};
    int errors_ = 0;
    int junk_commands_ = 0;
    bool esmtp_ = false;
    bool skipping_long_line_ = false;
    bool improper_pipelining_ = false;
    bool noted_bare_newline_ = false;
    bool counted_by_anvil_ = false;
    bool over_ = false;
    WaitsFor waits_for_ = WaitsFor::Nothing;
    unsigned waits_ = 0;       // so far
    unsigned waits_seen_ = 0;  // by cut_off()
};

}  // namespace posthaste::smtpd
