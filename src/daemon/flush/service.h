// service.h — flush(8): deferred mail for a site is tried when the site asks for it (ETRN) or an operator does
// (postqueue -s).
#pragma once

#include "daemon/flush/protocol.h"
#include "daemon/flush/site_flush.h"
#include "match/list.h"
#include "net/endpoint.h"
#include "net/stream.h"
#include "server/context.h"

namespace posthaste::flush {

// Life time: that of the process; a reload replaces it, and what it was asked for is done first. Loop's thread only.
class Service {
public:
    explicit Service(server::Context& context);

    // Tables of fast_flush_domains may lie where the jail does not reach.
    Result<void> before_jail();
    Task<void> serve(net::Stream client, net::Endpoint peer);
    // Master's wake-up, for which Postfix's flush(8) refreshes its files: there are none.
    Task<void> trigger(char request);
    Task<void> leaving();

private:
    Task<Outcome> answer(Request request);

    server::Context* context_;
    match::List eligible_;
    SiteFlush flush_;
};

}  // namespace posthaste::flush
