// smtpd — see service.h.
#include "daemon/smtpd/service.h"

#include "daemon/smtpd/session.h"
#include "server/queue_options.h"

namespace posthaste::smtpd {

Result<void> Service::before_jail()
{
    TRY(shared_, Shared::open(*context_));
    return {};
}

Result<void> Service::after_jail()
{
    if (shared_->pipeline)
        TRY(shared_->pipeline->start(server::queue_options(shared_->pipeline->config()),
                                     server::queue_manager_socket(*context_->config)));
    tasks_.start(interrupt_when_stopping());
    return {};
}

Task<void> Service::serve(net::Stream client, net::Endpoint peer)
{
    Session session(*shared_, std::move(client), peer);
    co_await session.run();
}

// Clients that wait for nothing are told when the mail system stops; the others finish their command first.
Task<void> Service::interrupt_when_stopping()
{
    // The process leaves at some time, or it is killed: nothing else ends this wait.
    static_cast<void>(co_await context_->leave_event.wait(net::Deadline::never()));
    while (context_->leaving() != server::Leaving::Soon)
        co_await net::sleep_for(std::chrono::milliseconds(200));
    auto sessions = shared_->sessions;
    for (Session* session : sessions)
        session->interrupt();
}

}  // namespace posthaste::smtpd
