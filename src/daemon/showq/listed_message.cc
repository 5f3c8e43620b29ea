// listed_message.cc — see listed_message.h.
#include "daemon/showq/listed_message.h"

#include "ipc/attributes.h"

namespace posthaste::showq {

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

}  // namespace posthaste::showq
