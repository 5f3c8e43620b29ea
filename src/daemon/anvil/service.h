// anvil(8) — counts the connections and rates of clients for the SMTP servers, which decide what is too much.
//
// One process for the machine; nothing on disk. After a restart counting begins at zero: limits are a defence, not a
// promise.
#pragma once

#include "daemon/anvil/counters.h"
#include "net/endpoint.h"
#include "net/stream.h"
#include "net/tasks.h"
#include "server/context.h"

#include <chrono>

namespace posthaste::anvil {

// Life time: that of the process. Loop's thread only.
class Service {
public:
    explicit Service(server::Context& context);
    Result<void> after_jail();
    // One SMTP server process: its requests, answered in order, until it ends.
    Task<void> serve(net::Stream client, net::Endpoint peer);
    Task<void> leaving();

private:
    Task<void> keep_statistics(std::chrono::seconds interval);
    void log_statistics();

    server::Context* context_;
    Counters counters_;
    net::TaskGroup tasks_;
};

}  // namespace posthaste::anvil
