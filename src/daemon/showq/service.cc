// service.cc — see service.h.
#include "daemon/showq/service.h"

#include "ipc/attributes.h"
#include "log/log.h"
#include "param/process.h"
#include "server/queue_options.h"

namespace posthaste::showq {

Task<void> Service::serve(net::Stream client, net::Endpoint)
{
    const auto timeout = context_->config->get(param::ipc_timeout);
    std::string out;
    ipc::AttributeWriter announcement(out);
    announcement.put("protocol", "mail_queue_list_protocol");
    announcement.end();
    Listing listing(server::queue_options(*context_->config),
                    context_->stand_alone ? QueueManager::Down : QueueManager::Running,
                    server::queue_manager_socket(*context_->config));
    for (;;) {
        auto messages = co_await listing.next();
        if (!messages) {
            // What the reader has so far must not look like the whole queue: the end is missing.
            log::warning("queue listing: {}", messages.error().text());
            co_return;
        }
        if (messages->empty())
            break;
        out += *messages;
        if (!co_await client.write_all(out, net::Deadline::after(timeout)))
            co_return;
        out.clear();
    }
    ipc::AttributeWriter(out).end();
    static_cast<void>(co_await client.write_all(out, net::Deadline::after(timeout)));
}

}  // namespace posthaste::showq
