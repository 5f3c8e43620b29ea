// hand_over.cc — see hand_over.h.
#include "server/hand_over.h"

#include "ipc/connection.h"
#include "log/log.h"

#include <chrono>
#include <fmt/format.h>

namespace posthaste::server {

namespace {

constexpr std::uint32_t most_hands = 5;
constexpr int most_agents = 3;  // that may be about to leave, one after the other
constexpr std::chrono::seconds connect_timeout{60};

dsn::Outcome outcome_of(const qmgr::RecipientReply& reply)
{
    const dsn::Code code = dsn::parse_code(reply.code).value_or(dsn::Code{4, 3, 0});
    dsn::Outcome outcome = reply.result == qmgr::RecipientResult::Deferred ? dsn::Outcome::deferred(code, reply.reason)
                           : reply.result == qmgr::RecipientResult::Bounced
                               ? dsn::Outcome::bounced(code, reply.reason)
                               : dsn::Outcome::delivered(code, reply.reason);
    if (reply.is_relayed)
        outcome.action = dsn::Action::Relayed;
    outcome.relay = reply.relay;
    outcome.remote_mta = reply.remote_mta;
    outcome.diagnostic_type = reply.diagnostic_type;
    outcome.diagnostic = reply.diagnostic;
    return outcome;
}

// The answer of one agent. Nothing: it leaves and has not read the request.
Task<Result<std::optional<qmgr::DeliveryReply>>> ask(std::string socket, qmgr::DeliveryRequest request)
{
    CO_TRY(net::Endpoint where, net::Endpoint::unix_path(socket));
    const net::Deadline soon = net::Deadline::after(connect_timeout);
    CO_TRY(net::Stream stream, co_await net::connect(where, soon));
    ipc::Connection connection(std::move(stream));
    CO_TRY(co_await connection.handshake(qmgr::delivery_protocol, soon));
    log::flush();
    CO_TRY(co_await connection.send(request, soon));
    for (;;) {
        // As the queue manager waits: the agent's own deadlines bound the delivery, its end ends the connection.
        CO_TRY(qmgr::DeliveryReply reply, co_await connection.receive<qmgr::DeliveryReply>(net::Deadline::never()));
        if (reply.id == request.id)
            co_return std::optional(std::move(reply));
        if (reply.last_received < request.id)
            co_return std::optional<qmgr::DeliveryReply>();
    }
}

Task<Result<qmgr::DeliveryReply>> ask_agents(std::string socket, qmgr::DeliveryRequest request)
{
    for (int agent = 0; agent < most_agents; ++agent) {
        CO_TRY(std::optional<qmgr::DeliveryReply> reply, co_await ask(socket, request));
        if (reply)
            co_return std::move(*reply);
    }
    co_return fail(ErrorKind::Temporary, "its agents leave");
}

std::vector<HandedOutcome> put_off(std::size_t recipients, dsn::Code code, std::string text)
{
    return std::vector<HandedOutcome>(recipients, {.outcome = dsn::Outcome::deferred(code, std::move(text), "none")});
}

}  // namespace

Task<std::vector<HandedOutcome>> hand_over(JobPtr job, HandOver to, std::string sockets)
{
    qmgr::DeliveryRequest request = job->request();
    request.id = 1;
    // A transport that waits for itself would wait for ever once all of its places do.
    if (++request.handed_on > most_hands || to.transport == request.transport)
        co_return put_off(to.recipients.size(), {4, 3, 5}, "transports hand this mail to each other without end");
    request.transport = to.transport;
    if (!to.nexthop.empty())
        request.nexthop = std::move(to.nexthop);
    request.sender = std::move(to.sender);
    request.recipients.clear();
    for (HandedRecipient& handed : to.recipients)
        request.recipients.push_back({job->recipients()[handed.recipient].index, std::move(handed.address)});

    auto reply = co_await ask_agents(sockets + "/" + to.transport, std::move(request));
    const std::string problem = !reply ? reply.error().text() : reply->message_problem;
    if (!problem.empty()) {
        log::warning("{}: cannot hand the message to transport {}: {}", job->envelope().queue_id, to.transport,
                     problem);
        co_return put_off(to.recipients.size(), {4, 3, 0}, "mail transport unavailable");
    }
    if (!reply->destination_problem.empty())
        if (auto code = dsn::parse_code(reply->destination_problem_code))
            job->destination_problem(*code, reply->destination_problem);
    auto outcomes = put_off(to.recipients.size(), {4, 3, 0}, "delivery agent reported no outcome");
    for (std::size_t i = 0; i < to.recipients.size(); ++i)
        for (const qmgr::RecipientReply& each : reply->recipients)
            if (each.index == job->recipients()[to.recipients[i].recipient].index)
                outcomes[i] = {.outcome = outcome_of(each),
                               .is_logged = true,
                               .notification_passed_on = each.notification_passed_on};
    co_return outcomes;
}

}  // namespace posthaste::server
