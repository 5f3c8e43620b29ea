// Lines of bounce(8), see events_bounce.h.
#include "log/events_bounce.h"

#include "log/log.h"

#include <fmt/format.h>

namespace posthaste::log {

namespace {
std::string_view word(Notification kind)
{
    switch (kind) {
    case Notification::NonDelivery: return "non-delivery";
    case Notification::Delay: return "delay";
    case Notification::DeliveryStatus: break;
    }
    return "delivery status";
}
}  // namespace

void sender_notification(std::string_view queue_id, Notification kind, std::string_view notification_id)
{
    info("{}: sender {} notification: {}", queue_id, word(kind), notification_id);
}

void sender_notification_for_bounce(std::string_view queue_id, Notification kind, std::string_view notification_id)
{
    line("bounce", fmt::format("{}: sender {} notification: {}", queue_id, word(kind), notification_id));
}

void postmaster_notification(std::string_view queue_id, Notification kind, std::string_view notification_id)
{
    info("{}: postmaster {} notification: {}", queue_id, word(kind), notification_id);
}

}  // namespace posthaste::log
