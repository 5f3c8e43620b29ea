// queued_message.cc — see queued_message.h.
#include "server/queued_message.h"

#include "base/text.h"
#include "ipc/attributes.h"

namespace posthaste::server {

namespace {

// Of a recipient, or of the message as long as none was named.
void take(QueuedMessage& message, std::string_view name, std::string_view value)
{
    if (name == "recipient")
        message.recipients.push_back({.address = std::string(value), .reason = {}, .transport = {}});
    else if (name == "reason" && !message.recipients.empty())
        message.recipients.back().reason = value;
    else if (name == "transport" && !message.recipients.empty())
        message.recipients.back().transport = value;
    else if (name == "queue_name")
        message.queue_name = value;
    else if (name == "queue_id")
        message.queue_id = value;
    else if (name == "time")
        message.arrival_time = parse_number<std::int64_t>(value).value_or(0);
    else if (name == "size")
        message.size = parse_number<std::uint64_t>(value).value_or(0);
    else if (name == "forced_expire")
        message.forced_expire = value == "1";
    else if (name == "next_retry")
        message.next_retry = parse_number<std::int64_t>(value).value_or(0);
    else if (name == "sender")
        message.sender = value;
}

}  // namespace

void append_queued_message(std::string& out, const QueuedMessage& message)
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
    for (const QueuedRecipient& recipient : message.recipients) {
        writer.put("recipient", recipient.address);
        writer.put("reason", recipient.reason);
        if (!recipient.transport.empty())
            writer.put("transport", recipient.transport);
    }
    writer.end();
}

Result<QueuedMessage> parse_queued_message(std::string_view list)
{
    QueuedMessage message;
    ipc::AttributeReader reader(list);
    for (;;) {
        TRY(auto attribute, reader.next());
        if (!attribute)
            return message;
        take(message, attribute->name, attribute->value);
    }
}

}  // namespace posthaste::server
