// smtpd(8) — receives mail from the network. One process serves many clients; see session.h for the dialogue.
#pragma once

#include "daemon/smtpd/shared.h"
#include "net/endpoint.h"
#include "net/stream.h"
#include "net/tasks.h"
#include "server/context.h"
#include "server/master_protocol.h"

#include <memory>

namespace posthaste::smtpd {

// Life time: that of the process. Loop's thread only.
class Service {
public:
    static constexpr server::ProcessModel process_model = server::ProcessModel::ClientsPerCore;

    explicit Service(server::Context& context) : context_(&context) {}
    Result<void> before_jail();  // tables, resolver, /etc/hosts
    Result<void> after_jail();   // the journal segment of this process
    Task<void> serve(net::Stream client, net::Endpoint peer);

private:
    Task<void> interrupt_when_stopping();

    server::Context* context_;
    std::unique_ptr<Shared> shared_;
    net::TaskGroup tasks_;
};

}  // namespace posthaste::smtpd
