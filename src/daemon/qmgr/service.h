// service.h — qmgr(8): the process around the QueueManager.
#pragma once

#include "daemon/qmgr/queue_manager.h"
#include "net/stream.h"
#include "server/context.h"

#include <memory>

namespace posthaste::qmgr {

class Service {
public:
    explicit Service(server::Context& context) : context_(&context) {}

    Result<void> before_jail();
    Result<void> after_jail();
    // public/qmgr: letters are hints and triggers, a digit begins control_protocol.h.
    Task<void> serve(net::Stream client, net::Endpoint peer);
    Task<void> main();
    Task<void> leaving();
    Task<Result<void>> on_reload(std::shared_ptr<const config::Config> config);
    [[nodiscard]] std::chrono::seconds watchdog() const;

private:
    // A second qmgr line of master.cf: another name for the one queue manager.
    [[nodiscard]] bool is_alias() const;
    Task<void> pass_on(net::Stream client);
    Task<void> serve_hints(net::Stream client);
    Task<void> serve_tool(net::Stream client);
    Task<Result<void>> list(net::Stream& client);
    void take_hint(char hint);

    server::Context* context_;
    std::shared_ptr<QueueManager::Snapshot> snapshot_;  // until there is a manager
    std::unique_ptr<QueueManager> manager_;
};

}  // namespace posthaste::qmgr
