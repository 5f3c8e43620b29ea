// delivery_agent.cc — see delivery_agent.h.
#include "server/delivery_agent.h"

#include "log/log.h"

#include <sys/socket.h>

namespace posthaste::server {

namespace {
constexpr std::chrono::seconds handshake_timeout{30};
// A queue manager that does not read its answers for this long is dead.
constexpr std::chrono::seconds reply_timeout{300};
// A burst of requests is answered in pieces of this size, not only when the loop gets its turn.
constexpr std::size_t reply_batch_bytes = 32768;
}  // namespace

// One connection of the queue manager. Shared by its reader, its writer and the deliveries that will answer on it.
struct DeliveryAgent::Session {
    explicit Session(net::Stream stream) : connection(std::move(stream)) {}

    ipc::Connection connection;
    std::string outgoing;
    std::size_t pending = 0;  // requests without an answer
    std::uint64_t last_received = 0;
    net::Event quiet;  // pending went down to zero
    net::Event more;   // outgoing is to be written
    bool flush_posted = false;
    bool closing = false;
};

DeliveryAgent::DeliveryAgent(DeliveryOptions options, Deliver deliver)
    : options_(std::move(options)), deliver_(std::move(deliver)),
      services_(options_.soft_bounce, options_.socket_directory + "/" + options_.bounce_service,
                options_.socket_directory + "/" + options_.defer_service,
                options_.socket_directory + "/" + options_.trace_service),
      reader_(options_.queue)
{
}

Task<void> DeliveryAgent::serve(net::Stream stream)
{
    auto session = std::make_shared<Session>(std::move(stream));
    if (auto hello =
            co_await session->connection.handshake(qmgr::delivery_protocol, net::Deadline::after(handshake_timeout));
        !hello) {
        log::warning("cannot serve the queue manager: {}", hello.error().text());
        co_return;
    }
    std::erase_if(sessions_, [](const auto& other) { return other.expired(); });
    sessions_.push_back(session);
    tasks_.start(write_replies(session));
    while (!draining_) {
        // The queue manager keeps its connection as long as it lives; its death ends the wait.
        auto request = co_await session->connection.receive<qmgr::DeliveryRequest>(net::Deadline::never());
        if (!request) {
            if (request.error().kind() == ErrorKind::Invalid)
                log::warning("bad request from the queue manager: {}", request.error().text());
            break;
        }
        ++session->pending;
        session->last_received = request->id;
        waiting_.push_back({std::move(*request), session});
        start_waiting();
    }
    // What the queue manager sent and nobody has read is for the next agent. Otherwise it is gone and another will ask
    // again: what has not begun must not run beside that.
    if (draining_)
        send(session, {.last_received = session->last_received});
    else
        session->pending -= std::erase_if(waiting_, [&](const Waiting& each) { return each.session == session; });
    while (session->pending > 0) {
        session->quiet.reset();
        // Bounded by the deliveries, each of which bounds its own waits.
        static_cast<void>(co_await session->quiet.wait(net::Deadline::never()));
    }
    session->closing = true;
    session->more.set();
}

Task<Result<void>> DeliveryAgent::drain(net::Deadline deadline)
{
    draining_ = true;
    for (const auto& weak : sessions_)
        if (auto session = weak.lock(); session && session->connection.stream().is_open())
            ::shutdown(session->connection.stream().fd(), SHUT_RD);
    co_return co_await tasks_.join(deadline);
}

void DeliveryAgent::start_waiting()
{
    if (starting_)
        return;  // a delivery that ended at once, inside the loop below
    starting_ = true;
    while (!waiting_.empty() && running_ < options_.concurrency) {
        Waiting next = std::move(waiting_.front());
        waiting_.pop_front();
        ++running_;
        tasks_.start(run(std::move(next)));
    }
    starting_ = false;
}

Task<void> DeliveryAgent::run(Waiting next)
{
    qmgr::DeliveryReply answered = co_await answer(std::move(next.request));
    answered.capacity = static_cast<std::uint32_t>(options_.concurrency);
    --running_;
    reply(next.session, answered);
    start_waiting();
}

Task<qmgr::DeliveryReply> DeliveryAgent::answer(qmgr::DeliveryRequest request)
{
    qmgr::DeliveryReply problem;
    problem.id = request.id;
    auto ref = queue::MessageRef::parse(request.message);
    if (!ref) {
        problem.message_problem = ref.error().text();
        co_return problem;
    }
    auto message = reader_.open(*ref);
    if (!message) {
        problem.message_problem = message.error().text();
        problem.damaged = message.error().kind() == ErrorKind::Corrupt;
        co_return problem;
    }
    if (!queue::is_live(message->message_mark())) {
        problem.message_problem = "message is gone";
        co_return problem;
    }
    auto job = Job::make(std::move(request), std::move(*message), services_);
    if (!job) {
        problem.message_problem = job.error().text();
        co_return problem;
    }
    if (!(*job)->recipients().empty()) {
        Outcomes outcomes = co_await deliver_(*job);
        co_await (*job)->settle(std::move(outcomes));
        co_await (*job)->settle_rest();
        if (draining_)  // at a stop there is no queue manager any more that would
            (*job)->sync_marks();
    }
    // Releases the message's lock: the queue manager may bury or move the message as soon as it reads the answer.
    co_return (*job)->close();
}

void DeliveryAgent::send(const std::shared_ptr<Session>& session, const qmgr::DeliveryReply& reply)
{
    ipc::append_framed(session->outgoing, ipc::encode(reply));
    if (session->outgoing.size() >= reply_batch_bytes)
        session->more.set();
    else
        flush_later(session);
}

void DeliveryAgent::reply(const std::shared_ptr<Session>& session, const qmgr::DeliveryReply& reply)
{
    send(session, reply);
    if (--session->pending == 0)
        session->quiet.set();
}

void DeliveryAgent::flush_later(const std::shared_ptr<Session>& session)
{
    if (std::exchange(session->flush_posted, true))
        return;
    net::Loop::current().post([session] {
        session->flush_posted = false;
        session->more.set();
    });
}

Task<void> DeliveryAgent::write_replies(std::shared_ptr<Session> session)
{
    for (;;) {
        if (session->outgoing.empty()) {
            if (session->closing)
                break;
            session->more.reset();
            // Bounded by the session: serve() sets the event at its end.
            static_cast<void>(co_await session->more.wait(net::Deadline::never()));
            continue;
        }
        std::string batch = std::exchange(session->outgoing, {});
        // The lines of a delivery stand in the log before the queue manager says "removed".
        log::flush();
        auto sent = co_await session->connection.stream().write_all(batch, net::Deadline::after(reply_timeout));
        if (!sent && session->connection.stream().is_open())
            session->connection.stream().close();
    }
    session->connection.stream().close();
}

}  // namespace posthaste::server
