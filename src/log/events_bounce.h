// Lines of bounce(8) that other programs parse.
#pragma once

#include <cstdint>
#include <string_view>

namespace posthaste::log {

enum class Notification : std::uint8_t { NonDelivery, Delay, DeliveryStatus };

// "QID: sender non-delivery notification: QID2" (or delay, delivery status)
void sender_notification(std::string_view queue_id, Notification kind, std::string_view notification_id);
// The same as a line of bounce's, from a process that sends the notification in its place.
void sender_notification_for_bounce(std::string_view queue_id, Notification kind, std::string_view notification_id);
// "QID: postmaster non-delivery notification: QID2"
void postmaster_notification(std::string_view queue_id, Notification kind, std::string_view notification_id);

}  // namespace posthaste::log
