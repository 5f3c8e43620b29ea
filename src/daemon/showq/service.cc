// service.cc — see service.h.
#include "daemon/showq/service.h"

#include "ipc/attributes.h"
#include "log/log.h"
#include "param/process.h"
#include "server/queue_options.h"

namespace posthaste::showq {

namespace {

constexpr std::size_t batch_size = std::size_t{64} << 10;

void append(std::string& out, const ListedMessage& message)
{
    ipc::AttributeWriter writer(out);
    writer.put("queue_name", message.queue_name);
    writer.put("queue_id", message.queue_id);
    writer.put("time", message.arrival_time);
    writer.put("size", message.size);
    writer.put("forced_expire", message.forced_expire ? 1 : 0);
    if (message.next_retry != 0)
        writer.put("next_retry", message.next_retry);
    writer.put("sender", message.sender.empty() ? "MAILER-DAEMON" : message.sender);
    for (const ListedRecipient& recipient : message.recipients) {
        writer.put("recipient", recipient.address);
        writer.put("reason", recipient.reason);
        if (!recipient.transport.empty())
            writer.put("transport", recipient.transport);
    }
    writer.end();
}

}  // namespace

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
        auto message = co_await listing.next();
        if (!message) {
            // What the reader has so far must not look like the whole queue: the end is missing.
            log::warning("queue listing: {}", message.error().text());
            co_return;
        }
        if (!*message)
            break;
        append(out, **message);
        if (out.size() < batch_size)
            continue;
        if (!co_await client.write_all(out, net::Deadline::after(timeout)))
            co_return;
        out.clear();
    }
    ipc::AttributeWriter(out).end();
    static_cast<void>(co_await client.write_all(out, net::Deadline::after(timeout)));
}

}  // namespace posthaste::showq
