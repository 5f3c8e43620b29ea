// service.h — trivial-rewrite(8): answers what an address means (protocol.h). The work is src/routing's.
#pragma once

#include "daemon/trivial-rewrite/protocol.h"
#include "net/stream.h"
#include "routing/router.h"
#include "server/context.h"

#include <memory>

namespace posthaste::trivial_rewrite {

// Keeps nothing between requests but open tables. A reload makes a new router; answers under way keep the old one.
class Service {
public:
    explicit Service(server::Context& context) : context_(&context) {}

    // Tables may lie where the jail does not reach.
    Result<void> before_jail();
    Task<void> serve(net::Stream client, net::Endpoint peer);
    Task<Result<void>> on_reload(std::shared_ptr<const config::Config> config);

private:
    server::Context* context_;
    std::shared_ptr<routing::Router> router_;
};

}  // namespace posthaste::trivial_rewrite
