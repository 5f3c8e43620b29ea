// listed_message.h — a message as showq(8) tells of it, and its form in the stream (service.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace posthaste::showq {

struct ListedRecipient {
    std::string address;
    std::string reason;     // why it was put off; empty if it was not tried yet
    std::string transport;  // that tried it last; empty if that is not known
};

struct ListedMessage {
    std::string queue_name;
    std::string queue_id;
    std::int64_t arrival_time = 0;  // seconds since the epoch
    std::uint64_t size = 0;         // bytes as Postfix counts them
    bool forced_expire = false;
    std::string sender;
    std::vector<ListedRecipient> recipients;  // those that are not done
    std::int64_t next_retry = 0;              // seconds since the epoch; 0: none is set
};

void append(std::string& out, const ListedMessage& message);

}  // namespace posthaste::showq
