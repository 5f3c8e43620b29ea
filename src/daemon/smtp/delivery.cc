// delivery.cc — see delivery.h.
#include "daemon/smtp/delivery.h"

#include "base/text.h"
#include "daemon/smtp/trouble.h"
#include "log/events_delivery.h"
#include "log/log.h"
#include "server/hand_over.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::smtp_client {

namespace {

constexpr dsn::Code configuration_problem{4, 3, 5};  // RFC 3463: system incorrectly configured

}  // namespace

Delivery::Delivery(Client& client, server::JobPtr job)
    : client_(&client), settings_(&client.settings), pool_(&client.pool), job_(std::move(job)),
      put_off_(job_->recipients().size(), dsn::Outcome::deferred({4, 3, 0}, "delivery was not attempted"))
{
    for (std::size_t i = 0; i < job_->recipients().size(); ++i)
        left_.push_back(i);
}

Task<server::Outcomes> Delivery::run()
{
    const std::string& destination = job_->request().nexthop;
    job_->connecting();
    if (!co_await prepare())
        co_return outcomes_of_left();
    pool_->begin(destination, co_await keep_policy());
    co_await use_kept_session();
    if (!left_.empty())
        co_await run_nexthops();
    pool_->end(destination);
    co_return outcomes_of_left();
}

// False: what the message is to look like cannot be found out now.
Task<bool> Delivery::prepare()
{
    if (!client_->generic)
        co_return true;
    auto outgoing = co_await client_->generic->rewrite(job_.get());
    if (outgoing) {
        outgoing_ = std::move(*outgoing);
        co_return true;
    }
    for (std::size_t recipient : left_)
        put_off_[recipient] = outgoing.error();
    co_return false;
}

Task<void> Delivery::run_nexthops()
{
    for (Stop& stop : stops())
        if (left_.empty() || !co_await run_stop(std::move(stop)))
            co_return;
}

// Where the mail may go: to the nexthop, then to the fallback relays. RFC 5321 does not know the latter; postconf(5)
// smtp_fallback_relay does.
std::vector<Delivery::Stop> Delivery::stops() const
{
    const std::string& text = job_->request().nexthop;
    std::vector<Stop> stops;
    for (Result<Nexthop>& nexthop : parse_nexthop())
        stops.push_back({.nexthop = std::move(nexthop), .parameter = text == settings_->relayhost ? "relayhost" : ""});
    if (stops.empty())
        stops.push_back({.nexthop = fail(ErrorKind::Invalid, "nothing"), .parameter = {}});
    const bool is_lmtp = settings_->dialect == Dialect::Lmtp;
    for (const Result<Nexthop>& relay : settings_->fallback_relays)
        stops.push_back({.nexthop = relay, .parameter = is_lmtp ? "lmtp_fallback_relay" : "smtp_fallback_relay"});
    stops.back().is_last = true;
    return stops;
}

std::vector<Result<Nexthop>> Delivery::parse_nexthop() const
{
    return routing::parse_nexthops(job_->request().nexthop, lookup_of(settings_->dialect), settings_->default_port,
                                   settings_->ports);
}

Task<bool> Delivery::run_stop(Stop stop)
{
    if (!stop.nexthop) {  // somebody wrote it, and can correct it; what stands behind it may be a comment
        const std::string where =
            stop.parameter.empty() ? "nexthop " + printable(job_->request().nexthop) : std::string(stop.parameter);
        put_off_misconfigured(stop, where + ": " + stop.nexthop.error().text());
        co_return false;
    }
    Targets targets = co_await client_->finder.find(*stop.nexthop);
    if (targets) {
        co_await run_targets(std::move(*targets));
        co_return true;
    }
    const dsn::Outcome why = std::move(targets.error());
    const bool loops = loops_back(why);
    if (why.action == dsn::Action::Bounced && !stop.parameter.empty())  // it is not the mail that is wrong
        put_off_misconfigured(stop, why.text);
    else if (loops)
        co_await hand_to_best_mx_transport(why);
    else if (why.action == dsn::Action::Bounced && stop.is_last)
        co_await settle_left(why);
    else
        put_off_all(why);
    co_return !loops;  // a fallback relay would only send it here
}

void Delivery::put_off_misconfigured(const Stop& stop, std::string why)
{
    if (!stop.parameter.empty())
        log::warning("{} configuration problem", stop.parameter);
    put_off_all(dsn::Outcome::deferred(configuration_problem, std::move(why)));
}

// postconf(5) best_mx_transport.
Task<void> Delivery::hand_to_best_mx_transport(dsn::Outcome loop)
{
    const routing::TransportAndNexthop& to = settings_->best_mx_transport;
    if (to.transport.empty()) {
        co_await settle_left(loop);
        co_return;
    }
    server::HandOver hand{.transport = to.transport, .nexthop = to.nexthop, .sender = job_->sender(), .recipients = {}};
    for (std::size_t recipient : left_)
        hand.recipients.push_back({recipient, job_->recipients()[recipient].address});
    std::vector<server::HandedOutcome> handed = co_await server::hand_over(job_, std::move(hand));
    server::Outcomes outcomes;
    for (std::size_t i = 0; i < handed.size(); ++i)
        outcomes.push_back({.recipient = left_[i],
                            .outcome = handed[i].outcome,
                            .expanded = {{.address = job_->recipients()[left_[i]].address,
                                          .outcome = handed[i].outcome,
                                          .is_known = handed[i].is_logged}},
                            .notification_passed_on = handed[i].notification_passed_on});
    left_.clear();
    co_await job_->settle(std::move(outcomes));
}

// smtp_connection_cache_destinations lists destinations without brackets and port.
Task<SessionPool::Keep> Delivery::keep_policy()
{
    if (client_->cache_destinations.empty())
        co_return SessionPool::Keep::OnDemand;
    const auto nexthops = parse_nexthop();
    if (nexthops.empty() || !nexthops.front())
        co_return SessionPool::Keep::OnDemand;
    auto listed = co_await client_->cache_destinations.matches_string(nexthops.front()->name);
    if (!listed)
        log::warning("smtp_connection_cache_destinations: {}", listed.error().text());
    co_return listed && *listed ? SessionPool::Keep::Always : SessionPool::Keep::OnDemand;
}

// At most one kept session is used for a job, besides those that turn out to be dead.
Task<void> Delivery::use_kept_session()
{
    while (std::unique_ptr<Session> session = pool_->take(job_->request().nexthop)) {
        job_->connected();
        net::Endpoint address = session->target().address;
        if (!co_await transact(std::move(session)))
            continue;
        tried_ = address;
        ++sessions_;
        co_return;
    }
}

Task<void> Delivery::run_targets(std::vector<Target> targets)
{
    for (Target& target : targets) {
        bool enough = settings_->session_limit > 0 && sessions_ >= settings_->session_limit;
        if (enough || left_.empty())
            co_return;
        if (tried_ == target.address)
            continue;
        // There is another host: what the one before it said is not in the recipients' own lines.
        for (const std::string& note : std::exchange(notes_, {}))
            log::session_trouble(job_->envelope().queue_id, note);
        co_await run_target(std::move(target));
    }
}

Task<void> Delivery::run_target(Target target)
{
    bool connected = false;
    auto session = co_await Session::open(*settings_, std::move(target), &connected);
    sessions_ += connected;
    if (session) {
        job_->connected();
        co_await transact(std::move(*session));
        co_return;
    }
    const dsn::Outcome& why = session.error();
    if (why.action == dsn::Action::Bounced) {
        co_await settle_left(why);
        co_return;
    }
    if (connected)
        notes_.push_back(why.text);
    else
        log::connect_failed(why.text);
    put_off_all(why);
}

Task<bool> Delivery::transact(std::unique_ptr<Session> session)
{
    Transaction transaction(*settings_, *session, *job_, outgoing_, left_);
    job_->connection_use(session->uses + 1);
    co_await transaction.run();
    if (transaction.stale)
        co_return false;
    std::string transcript;
    if (session->connection().transcript() && std::exchange(session->protocol_error, false))
        transcript = session->connection().transcript()->text();
    const std::string server = transcript.empty() ? std::string() : session->target().relay();
    // Before reports are written and marks are made: the next job may use the session meanwhile.
    pool_->give_back(job_->request().nexthop, std::move(session));
    co_await take_outcomes(transaction);
    if (!transcript.empty())
        co_await notify_postmaster(server, std::move(transcript));
    co_return true;
}

// postconf(5) notify_classes, error_notice_recipient.
Task<void> Delivery::notify_postmaster(std::string server, std::string transcript)
{
    constexpr std::chrono::seconds patience{100};
    bounce::Request request{.command = bounce::Command::Incident};
    request.sender = job_->request().sender;
    request.error_class = name(smtp::ErrorClass::Protocol);
    request.subject =
        fmt::format("{} client: errors from {}", settings_->dialect == Dialect::Lmtp ? "LMTP" : "SMTP", server);
    request.text =
        fmt::format("Unexpected response from {}.\n\nTranscript of session follows.\n\n{}", server, transcript);
    auto reply = co_await client_->bounce->call<bounce::Reply>(std::move(request), net::Deadline::after(patience));
    if (!reply || !reply->ok)
        log::warning("cannot notify the postmaster: {}", reply ? reply->error : reply.error().text());
}

Task<void> Delivery::take_outcomes(Transaction& transaction)
{
    server::Outcomes final;
    std::vector<bool> handled(put_off_.size());
    for (server::RecipientOutcome& item : transaction.outcomes) {
        handled[item.recipient] = true;
        if (item.outcome.is_final()) {
            final.push_back(std::move(item));
        } else {
            notes_.push_back(item.outcome.text);
            put_off_[item.recipient] = std::move(item.outcome);
        }
    }
    site_failure_.reset();
    if (transaction.trouble) {
        const dsn::Outcome& why = *transaction.trouble;
        if (!why.is_final())
            notes_.push_back(why.text);
        if (transaction.site_trouble)
            site_failure_ = why;
        for (std::size_t recipient : left_) {
            if (handled[recipient] || job_->is_settled(recipient))
                continue;
            if (why.is_final())
                final.push_back({.recipient = recipient, .outcome = why});
            else
                put_off_[recipient] = why;
        }
    }
    if (!final.empty())
        co_await job_->settle(std::move(final));
    std::erase_if(left_, [this](std::size_t recipient) { return job_->is_settled(recipient); });
}

void Delivery::put_off_all(const dsn::Outcome& why)
{
    for (std::size_t recipient : left_)
        put_off_[recipient] = why;
    site_failure_ = why;
}

Task<void> Delivery::settle_left(const dsn::Outcome& why)
{
    server::Outcomes outcomes;
    for (std::size_t recipient : std::exchange(left_, {}))
        outcomes.push_back({.recipient = recipient, .outcome = why});
    co_await job_->settle(std::move(outcomes));
}

server::Outcomes Delivery::outcomes_of_left()
{
    if (!left_.empty() && site_failure_)
        job_->destination_problem(site_failure_->code, site_failure_->text);
    server::Outcomes outcomes;
    for (std::size_t recipient : std::exchange(left_, {}))
        outcomes.push_back({.recipient = recipient, .outcome = std::move(put_off_[recipient])});
    return outcomes;
}

}  // namespace posthaste::smtp_client
