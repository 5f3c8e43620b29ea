// agent_link.cc — see agent_link.h.
#include "daemon/qmgr/agent_link.h"

#include "log/log.h"

namespace posthaste::qmgr {

namespace {
// An agent that leaves reads no more before it can say so; one that is dead says nothing.
constexpr std::chrono::seconds notice_patience{5};
}  // namespace

AgentConnection::AgentConnection(std::string socket_path, std::chrono::seconds timeout, AgentLinkOwner& owner)
    : path_(std::move(socket_path)), timeout_(timeout), owner_(&owner), self_(std::make_shared<AgentConnection*>(this))
{
    // Not from here: the owner must have its pointer to this link before it can be told of a failure.
    net::Loop::current().post([weak = std::weak_ptr(self_)] {
        if (auto self = weak.lock())
            (*self)->tasks_.start((*self)->run());
    });
}

void AgentConnection::send(const DeliveryRequest& request)
{
    ipc::append_framed(outgoing_, ipc::encode(request));
    if (established_)
        wake_writer();
}

// Later in this turn of the loop, so that all requests of the turn are in one write.
void AgentConnection::wake_writer()
{
    if (std::exchange(wake_posted_, true))
        return;
    net::Loop::current().post([weak = std::weak_ptr(self_)] {
        auto self = weak.lock();
        if (!self)
            return;
        (*self)->wake_posted_ = false;
        (*self)->more_.set();
    });
}

Task<Result<void>> AgentConnection::establish()
{
    const net::Deadline deadline = net::Deadline::after(timeout_);
    CO_TRY(net::Endpoint where, net::Endpoint::unix_path(path_));
    auto stream = co_await net::connect(where, deadline);
    if (!stream) {
        std::string_view text = stream.error().text();
        if (const std::string context = "connect to " + path_ + ": "; text.starts_with(context))
            text.remove_prefix(context.size());  // the scheduler names the transport
        co_return fail(stream.error().kind(), std::string(text));
    }
    connection_ = std::make_unique<ipc::Connection>(std::move(*stream));
    co_return co_await connection_->handshake(delivery_protocol, deadline);
}

Task<void> AgentConnection::run()
{
    if (auto established = co_await establish(); !established) {
        end(AgentLinkOwner::Stage::Connecting, established.error());
        co_return;
    }
    established_ = true;
    tasks_.start(write());
    for (;;) {
        // A delivery may take hours; the agent's own deadlines bound it, and its end ends this connection.
        auto bytes = co_await connection_->receive_bytes(net::Deadline::never());
        Result<DeliveryReply> reply = bytes ? ipc::decode<DeliveryReply>(*bytes) : fail(std::move(bytes).error());
        if (!reply) {
            end(AgentLinkOwner::Stage::Established, reply.error());
            co_return;
        }
        if (ended_)
            co_return;  // the owner has given up on what is answered here
        if (reply->id != 0) {
            owner_->answered(std::move(*reply));
        } else if (!std::exchange(agent_leaves_, true)) {
            owner_->leaving(*this, reply->last_received);
        }
    }
}

Task<void> AgentConnection::write()
{
    while (!ended_) {
        if (outgoing_.empty()) {
            more_.reset();
            // Bounded by the life of this link.
            static_cast<void>(co_await more_.wait(net::Deadline::never()));
            continue;
        }
        std::string batch = std::exchange(outgoing_, {});
        log::flush();  // from= of a message stands in the log before its agent says to=
        auto sent = co_await connection_->stream().write_all(batch, net::Deadline::after(timeout_));
        if (!sent) {
            co_await write_failed(sent.error());
            co_return;
        }
    }
}

// The agent takes no more requests, but what it has answered, or still will, is there to be read: the end of this link
// is the reader's to tell.
Task<void> AgentConnection::write_failed(Error error)
{
    if (error.kind() == ErrorKind::Closed && !agent_leaves_)
        co_await net::sleep_for(notice_patience);
    if (!agent_leaves_)
        end(AgentLinkOwner::Stage::Established, error);
}

void AgentConnection::end(AgentLinkOwner::Stage stage, const Error& error)
{
    if (!std::exchange(ended_, true))
        owner_->ended(*this, stage, error);
}

}  // namespace posthaste::qmgr
