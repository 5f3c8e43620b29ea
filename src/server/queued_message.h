// queued_message.h — a message as showq(8) tells of it, and its form in the stream (daemon/showq/service.h).
//
// One attribute list a message, as Postfix's readers of public/showq know it, with two attributes of ours (next_retry,
// transport) that are left out where nothing is known.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::server {

struct QueuedRecipient {
    std::string address;
    std::string reason;     // why it was put off; empty if it was not tried yet
    std::string transport;  // that tried it last; empty if that is not known

    friend bool operator==(const QueuedRecipient&, const QueuedRecipient&) = default;
};

struct QueuedMessage {
    std::string queue_name;
    std::string queue_id;
    std::int64_t arrival_time = 0;  // seconds since the epoch
    std::uint64_t size = 0;         // bytes as Postfix counts them
    bool forced_expire = false;
    std::string sender;                       // in the stream the null sender is MAILER-DAEMON
    std::vector<QueuedRecipient> recipients;  // those that are not done
    std::int64_t next_retry = 0;              // seconds since the epoch; 0: no time is set (active, on hold, ...)

    friend bool operator==(const QueuedMessage&, const QueuedMessage&) = default;
};

void append_queued_message(std::string& out, const QueuedMessage& message);

// One list; attributes that are not known are passed over. Invalid: it is cut off.
Result<QueuedMessage> parse_queued_message(std::string_view list);

}  // namespace posthaste::server
