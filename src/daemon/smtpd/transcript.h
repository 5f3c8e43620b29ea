// What is said in a session: for the postmaster if something goes wrong (postconf(5) notify_classes: protocol, policy,
// data, resource), and as it is said for the log, if the client is watched (server/watched_peers.h). The postmaster's
// is sent by the bounce service when the session is over, to error_notice_recipient.
//
// With protocol, policy or data every session keeps what is said. Resource alone, the default, costs nothing until it
// happens: then only the command and its reply are shown.
#pragma once

#include "daemon/bounce/protocol.h"
#include "net/task.h"
#include "server/watched_peers.h"
#include "smtp/reply.h"
#include "smtp/transcript.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace posthaste::smtpd {

// What the sessions of a process share.
struct TranscriptOptions {
    smtp::ErrorClasses wanted;
    bool from_the_start = false;          // keep what is said before anything goes wrong
    std::size_t history_limit = 100;      // smtpd_history_flush_threshold
    std::unique_ptr<ipc::Client> bounce;  // null: nobody wants any
};

// One a session.
class SessionTranscript {
public:
    explicit SessionTranscript(const TranscriptOptions& options) : options_(&options)
    {
        if (options.from_the_start)
            kept_ = std::make_unique<smtp::Transcript>();
    }

    // From now on what is said is logged, too. Not before the client has its name.
    void log_as(std::string client) { logged_as_ = std::move(client); }
    void received(std::string_view line)
    {
        if (!logged_as_.empty())
            server::log_received(logged_as_, line);
        if (kept_)
            kept_->received(line);
    }
    void sent(const smtp::Reply& reply)
    {
        if (kept_ || !logged_as_.empty())
            sent_lines(reply);
    }
    // The command ends what was before (EHLO, RSET, DATA with its content): before sent(). If much has been said it is
    // forgotten up to this command, unless something has gone wrong already.
    void begin_chapter(std::string_view line)
    {
        if (!kept_ || trouble_ || kept_->lines() <= options_->history_limit)
            return;
        kept_->clear();
        kept_->received(line);
    }
    // The reply to a command that failed; before sent().
    void failed(std::string_view line, const smtp::Reply& reply);
    // Why the session is ended, if not by the client: "too many errors".
    void aborted(std::string_view reason) { aborted_ = reason; }
    // At the end of the session.
    Task<void> report(std::string client);

private:
    void sent_lines(const smtp::Reply& reply);

    const TranscriptOptions* options_;
    std::unique_ptr<smtp::Transcript> kept_;
    std::string logged_as_;                    // the client's name; empty: nothing is logged
    std::optional<smtp::ErrorClass> trouble_;  // the first one that is wanted
    std::string_view aborted_;
};

}  // namespace posthaste::smtpd
