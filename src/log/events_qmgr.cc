// events_qmgr.cc — see events_qmgr.h.
#include "log/events_qmgr.h"

#include "log/log.h"

namespace posthaste::log {

void activated(const Activated& message)
{
    info("{}: from=<{}>, size={}, nrcpt={} (queue active)", message.queue_id, message.sender, message.size,
         message.recipients);
}

void removed(std::string_view queue_id) { info("{}: removed", queue_id); }

void expired(std::string_view queue_id, std::string_view sender, Expiry how)
{
    info("{}: from=<{}>, status={}, returned to sender", queue_id, sender,
         how == Expiry::Time ? "expired" : "force-expired");
}

void still_being_delivered(std::string_view queue_id) { info("{}: skipped, still being delivered", queue_id); }

}  // namespace posthaste::log
