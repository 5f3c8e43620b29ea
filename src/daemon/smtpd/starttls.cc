// starttls.cc — STARTTLS, and TLS from the first byte on (wrapper mode). RFC 3207, RFC 8314.
#include "daemon/smtpd/session.h"
#include "daemon/smtpd/tls.h"
#include "log/events_smtpd.h"
#include "log/events_tls.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/smtpd.h"
#include "param/smtpd_tls.h"
#include "param/tls_ciphers.h"
#include "tls/connection.h"

#include <fmt/format.h>

namespace posthaste::smtpd {

// postconf(5) smtpd_tls_security_level = encrypt: what is answered before TLS, besides the verbs that RFC 3207 4 names.
bool Session::needs_tls(smtp::Verb verb) const
{
    using enum smtp::Verb;
    if (tls_ || shared_->tls->level() != TlsLevel::Encrypt)
        return false;
    switch (verb) {
    case Helo:
    case Ehlo:
    case Starttls:
    case Noop:
    case Quit:
    case Xclient:
    case Help:
    case Unknown: return false;
    default: return true;
    }
}

Task<Session::Reply> Session::starttls(std::string arguments)
{
    if (!arguments.empty())
        co_return Reply{501, "5.5.4 Syntax: STARTTLS"};
    if (tls_)
        co_return Reply{554, "5.5.1 Error: TLS already active"};
    if (!offered_.has(smtp::Extension::Starttls))
        co_return Reply{502, "5.5.1 Error: command not implemented"};
    auto context = shared_->tls->context();
    if (!context)
        co_return Reply{454, "4.7.0 TLS not available due to local problem"};
    if (co_await renews_tls_too_fast())
        co_return Reply{454, "4.7.0 Error: too many new TLS sessions from " + client_.for_log};
    co_await send({220, "2.0.0 Ready to start TLS"});
    co_await flush();
    if (over_)
        co_return Reply{};
    co_await start_tls(std::move(context));
    co_return Reply{};
}

// Wrapper mode: before the greeting.
Task<void> Session::begin_wrapped()
{
    auto context = shared_->tls->context();
    if (!context) {
        log::warning(
            "Wrapper-mode request dropped from {} for service {}. TLS context initialization failed. For details "
            "see earlier warnings in your logs.",
            client_.for_log, shared_->context->service_name);
        over_ = true;
        co_return;
    }
    co_await start_tls(std::move(context));
    if (farewell_)  // nobody has asked for anything yet
        end_with(std::move(*farewell_));
}

// postconf(5) smtpd_client_new_tls_session_rate_limit: whether the client has used it up already.
Task<bool> Session::renews_tls_too_fast()
{
    const int fastest = config_->get(param::smtpd_client_new_tls_session_rate_limit);
    if (!co_await rate_beyond(anvil::Event::NewTlsSoFar, fastest))
        co_return false;
    log::warning("Refusing STARTTLS request from {} for service {}", client_.for_log, shared_->context->service_name);
    co_return true;
}

// The handshake; afterwards nothing counts that was said in the clear (RFC 3207 4.2). over_: it failed, as the log
// says.
Task<void> Session::start_tls(std::shared_ptr<const tls::ServerContext> context)
{
    if (shared_->tls->logs_negotiation()) {
        log::info("setting up TLS connection from {}", client_.for_log);
        log::info("{}: TLS cipher list \"{}\"", client_.for_log, shared_->tls->settings().ciphers);
    }
    begin_wait(WaitsFor::Handshake);
    auto facts = co_await tls::accept(&stream_, std::move(context),
                                      net::Deadline::after(config_->get(param::smtpd_starttls_timeout)));
    end_wait();
    if (facts)
        log_handshake(*facts);
    else
        log::tls_accept_failed(client_.for_log, facts.error());
    const bool resumed = facts && facts->resumed;  // costs hardly anything
    const bool too_fast = !resumed && co_await is_too_fast(anvil::Event::NewTls,
                                                           config_->get(param::smtpd_client_new_tls_session_rate_limit),
                                                           log::RateLimit::NewTlsRate);
    if (!facts) {
        log::smtpd_session_end(log::SessionEnd::LostConnection, queue_id(), stage_, {}, client_.for_log);
        over_ = true;
        co_return;
    }
    tls_ = std::make_unique<tls::Facts>(std::move(*facts));
    forget_what_was_said();
    if (too_fast)
        end_with({421, fmt::format("4.7.0 {} Error: too many new TLS sessions from {}", config_->get(param::myhostname),
                                   client_.for_log)});
    else
        check_certificate();
}

void Session::log_handshake(const tls::Facts& facts) const
{
    const Tls& tls = *shared_->tls;
    if (facts.peer && tls.logs_negotiation())
        log::info("{}: subject_CN={}, issuer={}, fingerprint={}, pkey_fingerprint={}", client_.for_log,
                  facts.peer->common_name, facts.peer->issuer_common_name, facts.peer->fingerprint,
                  facts.peer->key_fingerprint);
    if (facts.peer && !facts.peer->trusted && tls.needs_certificate())
        log::tls_verification_failed(client_.for_log, facts.peer->problem_of_chain, facts.peer->problem);
    if (tls.logs_summary())
        log::tls_accepted(client_.for_log, tls::trust(facts), tls::summary(facts));
}

// Only the word ESMTP of the Received: header stays as the client had it, as in Postfix.
void Session::forget_what_was_said()
{
    reset_transaction();
    helo_.clear();
    pending_ = client_pending_;
    skipping_long_line_ = false;
    improper_pipelining_ = false;
    offered_ = offered_extensions();
}

// postconf(5) smtpd_tls_req_ccert.
void Session::check_certificate()
{
    if (!shared_->tls->needs_certificate() || (tls_->peer && tls_->peer->trusted))
        return;
    std::string_view what = tls_->peer ? "Client certificate not trusted" : "No client certificate presented";
    log::smtpd_abort(client_.for_log, "TLS", what);
    farewell_ = Reply{421, fmt::format("4.7.1 {} Error: {}", config_->get(param::myhostname), what)};
}

// The end of a session is said to the client, so that it can tell it from one that was cut. postconf(5)
// tls_fast_shutdown_enable: only without it the client's answer is waited for, which is the next that it may send.
Task<void> Session::end_tls()
{
    stream_.end_layer();
    if (!tls_ || config_->get(param::tls_fast_shutdown_enable))
        co_return;
    begin_wait(WaitsFor::Handshake);
    static_cast<void>(co_await stream_.fill(net::Deadline::after(config_->get(param::smtpd_starttls_timeout))));
    end_wait();
}

}  // namespace posthaste::smtpd
