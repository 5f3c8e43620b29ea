// service.h — showq(8): tells everything that is in the queue, to whoever connects to public/showq.
//
// The stream is Postfix's own, because monitoring programs read it without postqueue: an announcement
// ("protocol" "mail_queue_list_protocol"), then one attribute list a message: queue_name, queue_id, time, size,
// forced_expire, next_retry (ours; absent unless a time is set), sender, and per recipient that is not done recipient,
// reason and transport (ours; of the last attempt, absent if it is not known); an empty list ends the stream.
#pragma once

#include "config/config.h"
#include "daemon/showq/listing.h"
#include "net/endpoint.h"
#include "net/stream.h"
#include "server/context.h"

namespace posthaste::showq {

// Keeps nothing between clients. Stand-alone (-S, for postqueue when the mail system is down) the one client is
// standard output, and the journal is read without a queue manager.
class Service {
public:
    explicit Service(server::Context& context) : context_(&context) {}
    Task<void> serve(net::Stream client, net::Endpoint peer);

private:
    server::Context* context_;
};

}  // namespace posthaste::showq
