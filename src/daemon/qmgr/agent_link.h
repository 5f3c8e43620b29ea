// agent_link.h — the connection to one delivery agent (private/<transport>).
//
// Requests are sent without waiting for answers: those of one turn of the loop go out in one write, and answers come
// in any order. An agent that is being replaced says so first: further requests are for another link, this one lives
// until it has brought the answers. The link says once that it has ended; whoever owns it decides what to do with
// unanswered requests, and hears of no answer after that.
#pragma once

#include "daemon/qmgr/protocol.h"
#include "ipc/connection.h"
#include "net/tasks.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace posthaste::qmgr {

class AgentLink;

// Who is told. Called on the loop's thread, never from inside send().
class AgentLinkOwner {
public:
    virtual ~AgentLinkOwner() = default;
    virtual void answered(DeliveryReply reply) = 0;
    enum class Stage : unsigned char { Connecting, Established };
    virtual void ended(const AgentLink& link, Stage stage, const Error& error) = 0;
    // The agent answers the requests up to this id and takes no others.
    virtual void leaving(const AgentLink& link, std::uint64_t last_received) = 0;
};

// The scheduler sees only this, so that tests can put their own agent behind it.
class AgentLink {
public:
    virtual ~AgentLink() = default;
    virtual void send(const DeliveryRequest& request) = 0;
};

using MakeAgentLink = std::function<std::unique_ptr<AgentLink>(const std::string& transport, AgentLinkOwner& owner)>;

// The real one. Connects at once; what is sent before the connection stands waits for it. Owned by its Transport;
// destroying it ends the connection without a call of ended().
class AgentConnection : public AgentLink {
public:
    AgentConnection(std::string socket_path, std::chrono::seconds timeout, AgentLinkOwner& owner);

    void send(const DeliveryRequest& request) override;

private:
    Task<void> run();
    Task<Result<void>> establish();
    Task<void> write();
    Task<void> write_failed(Error error);
    void wake_writer();
    void end(AgentLinkOwner::Stage stage, const Error& error);

    std::string path_;
    std::chrono::seconds timeout_;
    AgentLinkOwner* owner_;
    std::unique_ptr<ipc::Connection> connection_;
    std::string outgoing_;
    net::Event more_;
    bool ended_ = false;
    bool agent_leaves_ = false;
    bool established_ = false;
    bool wake_posted_ = false;
    std::shared_ptr<AgentConnection*> self_;  // for posted calls, which may come after the end of this object
    net::TaskGroup tasks_;
};

}  // namespace posthaste::qmgr
