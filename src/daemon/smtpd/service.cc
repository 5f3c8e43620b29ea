// smtpd — see service.h.
#include "daemon/smtpd/service.h"

#include "daemon/smtpd/session.h"
#include "server/queue_options.h"

namespace posthaste::smtpd {

namespace {

// After that a stop waits for no client: a message that takes longer is sent again.
constexpr std::chrono::seconds patience_at_stop{2};

}  // namespace

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

// Clients that wait for nothing are told when the mail system stops; the others may finish their command or message
// first, if that does not take long.
Task<void> Service::interrupt_when_stopping()
{
    // The process leaves at some time, or it is killed: nothing else ends this wait.
    static_cast<void>(co_await context_->leave_event.wait(net::Deadline::never()));
    while (context_->leaving() != server::Leaving::Soon)
        co_await net::sleep_for(std::chrono::milliseconds(200));
    for (Session* session : std::unordered_set(shared_->sessions))
        session->interrupt();
    co_await net::sleep_for(patience_at_stop);
    for (;; co_await net::sleep_for(std::chrono::milliseconds(500)))
        for (Session* session : std::unordered_set(shared_->sessions))
            session->cut_off();
}

}  // namespace posthaste::smtpd
