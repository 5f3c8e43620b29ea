// delivery_agent.h — what every delivery agent shares: an agent only writes deliver().
//
// The queue manager connects to the agent's socket and sends requests without waiting for answers
// (daemon/qmgr/protocol.h). The skeleton opens each message, runs deliver() for as many at once as the service may
// serve, settles the outcomes (delivery_job.h), and answers; answers of one turn of the loop go out in one write.
//
// Why no mail is lost: a message that cannot be opened is answered with message_problem, and a connection that ends
// leaves running deliveries to their end: their marks are written, so the next queue manager does not repeat them.
#pragma once

#include "net/stream.h"
#include "net/tasks.h"
#include "queue/options.h"
#include "queue/reader.h"
#include "server/delivery_job.h"

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>

namespace posthaste::server {

struct DeliveryOptions {
    std::size_t concurrency = 100;  // deliveries under way at once in this process
    bool soft_bounce = false;
    queue::QueueOptions queue;
    std::string socket_directory = "private";  // where bounce, defer and trace listen
    std::string bounce_service = "bounce";     // postconf(5) bounce_service_name, and the same for the others
    std::string defer_service = "defer";
    std::string trace_service = "trace";
};

// Life time: that of the process (or the test); outlives its tasks. Loop's thread only.
class DeliveryAgent {
public:
    // Delivers one job and returns the outcomes of those recipients that it has not settled itself. It may wait (for a
    // peer, for the pipe of a child); several run at once. A recipient without outcome is deferred.
    using Deliver = std::function<Task<Outcomes>(JobPtr job)>;

    DeliveryAgent(DeliveryOptions options, Deliver deliver);

    // How many deliveries may be under way at once, from now on.
    void set_concurrency(std::size_t concurrency) { options_.concurrency = concurrency; }
    void set_filter(std::unique_ptr<OutcomeFilter> filter) { services_.filter = std::move(filter); }
    // Serves one connection of the queue manager until it ends or drain() is called, and its deliveries are done.
    Task<void> serve(net::Stream stream);
    // Takes no further request; resumes when every delivery is done and answered. Timeout: some still run.
    Task<Result<void>> drain(net::Deadline deadline);
    [[nodiscard]] std::size_t deliveries() const { return running_ + waiting_.size(); }

private:
    struct Session;
    struct Waiting {
        qmgr::DeliveryRequest request;
        std::shared_ptr<Session> session;
    };
    void start_waiting();
    Task<void> run(Waiting next);
    Task<qmgr::DeliveryReply> answer(qmgr::DeliveryRequest request);
    static void send(const std::shared_ptr<Session>& session, const qmgr::DeliveryReply& reply);
    static void reply(const std::shared_ptr<Session>& session, const qmgr::DeliveryReply& reply);
    static void flush_later(const std::shared_ptr<Session>& session);
    static Task<void> write_replies(std::shared_ptr<Session> session);

    DeliveryOptions options_;
    Deliver deliver_;
    ReportServices services_;
    queue::Reader reader_;
    std::deque<Waiting> waiting_;
    std::list<std::weak_ptr<Session>> sessions_;
    std::size_t running_ = 0;
    bool starting_ = false;
    bool draining_ = false;
    net::TaskGroup tasks_;
};

}  // namespace posthaste::server
