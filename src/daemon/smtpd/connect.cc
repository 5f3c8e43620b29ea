// connect.cc — the beginning of a session: who is it, may it come in, and the greeting. RFC 5321 3.1.
#include "base/trace.h"
#include "daemon/smtpd/client_prefix.h"
#include "daemon/smtpd/session.h"
#include "log/events_smtpd.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/smtpd.h"
#include "param/smtpd_tls.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::smtpd {

Task<void> Session::identify_client()
{
    client_ = client_of(peer_);
    if (shared_->context->stand_alone) {
        client_.name = client_.reverse_name = "localhost";
    } else if (config_->get(param::smtpd_peername_lookup) && !peer_.is_unix() && !peer_.bytes().empty()) {
        NameFinder::Names names = co_await shared_->names->find(peer_);
        client_.name = std::move(names.name);
        client_.reverse_name = std::move(names.reverse_name);
    }
    describe(client_, config_->get(param::smtpd_client_port_logging));
    if (co_await shared_->watched_peers.includes(client_.name, client_.address))
        transcript_.log_as(client_.for_log);
    {
        trace::Step step("mynetworks", client_.for_log);
        in_mynetworks_ = co_await shared_->mynetworks.matches_host(client_.name, client_.address);
        step.result(in_mynetworks_.value_or(false) ? "listed" : "not listed");
    }
    if (!in_mynetworks_)
        log::warning("mynetworks: {}", in_mynetworks_.error().text());
    auto excluded = co_await shared_->bare_newline_exclusions.matches_host(client_.name, client_.address);
    if (excluded && *excluded)
        bare_newline_ = smtp::BareNewline::Allow;
    rewrite_context_ = co_await rewrite_context();
}

// postconf(5) local_header_rewrite_clients. What cannot be told counts as no match: headers stay as they are.
Task<intake::RewriteContext> Session::rewrite_context()
{
    for (RewriteClients& clients : shared_->local_rewrite_clients) {
        bool matches = false;
        switch (clients.kind) {
        case RewriteClients::Kind::InetInterfaces:
            matches = std::ranges::find(shared_->own_addresses, client_.address) != shared_->own_addresses.end();
            break;
        case RewriteClients::Kind::Mynetworks: matches = in_mynetworks_.value_or(false); break;
        case RewriteClients::Kind::Table:
            matches = (co_await clients.table.matches_host(client_.name, client_.address)).value_or(false);
        }
        if (matches)
            co_return intake::RewriteContext::Local;
    }
    co_return intake::RewriteContext::Remote;
}

bool Session::limits_apply() const
{
    return config_->get(param::smtpd_client_connection_count_limit) > 0 ||
           config_->get(param::smtpd_client_connection_rate_limit) > 0 ||
           config_->get(param::smtpd_client_message_rate_limit) > 0 ||
           config_->get(param::smtpd_client_recipient_rate_limit) > 0 ||
           (shared_->tls->level() != TlsLevel::None &&
            config_->get(param::smtpd_client_new_tls_session_rate_limit) > 0);
}

Task<std::optional<anvil::Reply>> Session::report(anvil::Event event)
{
    std::string who = counted_network(*config_, client_.address);
    co_return co_await shared_->rates.report(event, shared_->context->service_name, std::move(who));
}

// Counts one more message or recipient of the client; true, and logged, if that is more than it may have in
// anvil_rate_time_unit. fastest 0: no limit.
Task<bool> Session::is_too_fast(anvil::Event event, int fastest, log::RateLimit limit)
{
    const std::optional<int> rate = co_await rate_beyond(event, fastest);
    if (rate)
        log::smtpd_limit_exceeded(limit, *rate, client_.for_log, shared_->context->service_name);
    co_return rate.has_value();
}

// The client's rate of this event, if that is more than it may be.
Task<std::optional<int>> Session::rate_beyond(anvil::Event event, int fastest)
{
    if (fastest <= 0 || !counted_by_anvil_)
        co_return std::nullopt;
    auto known = co_await report(event);
    if (!known || known->rate <= fastest)
        co_return std::nullopt;
    co_return known->rate;
}

// Count and rate limits. False: the client has been told, and leaves.
Task<bool> Session::admit()
{
    if (shared_->context->stand_alone || !limits_apply())
        co_return true;
    auto excepted = co_await shared_->event_limit_exceptions.matches_host(client_.name, client_.address);
    if (excepted.value_or(false))
        co_return true;
    auto known = co_await report(anvil::Event::Connect);
    if (!known)
        co_return true;
    counted_by_anvil_ = true;
    int most = config_->get(param::smtpd_client_connection_count_limit);
    int fastest = config_->get(param::smtpd_client_connection_rate_limit);
    const std::string& service = shared_->context->service_name;
    if (most > 0 && known->count > most)
        log::smtpd_limit_exceeded(log::RateLimit::ConnectionConcurrency, known->count, client_.for_log, service);
    else if (fastest > 0 && known->rate > fastest)
        log::smtpd_limit_exceeded(log::RateLimit::ConnectionRate, known->rate, client_.for_log, service);
    else
        co_return true;
    end_with({421, fmt::format("4.7.0 {} Error: too many connections from {}", config_->get(param::myhostname),
                               client_.address)});
    co_return false;
}

Task<void> Session::greet()
{
    // A client that talks before it is greeted is no mail server (RFC 5321 3.1).
    if (stream_.fill_now().value_or(false) && !check_pipelining(smtp::Verb::Unknown))
        co_return;
    if (std::optional<Reply> refused = co_await client_objection()) {
        log_access("reject", refused->line());
        refused_ = refused;
        co_await send(std::move(*refused));
        co_return;
    }
    co_await send({220, config_->get(param::smtpd_banner)});
}

// What client restrictions say before the greeting, where smtpd_delay_reject does not let them wait for RCPT.
Task<std::optional<Session::Reply>> Session::client_objection()
{
    if (shared_->client_restrictions.empty() || config_->get(param::smtpd_delay_reject))
        co_return std::nullopt;
    PendingVerdicts pending;
    Verdict verdict = co_await evaluate(this, &shared_->client_restrictions, ListKind::Client, &pending);
    if (verdict.decision == Decision::Reject)
        co_return std::move(verdict.reply);
    client_pending_ = pending_ = pending;
    co_return std::nullopt;
}

}  // namespace posthaste::smtpd
