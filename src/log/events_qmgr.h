// The lines of qmgr that other programs parse. postfix/qmgr[pid]: ...
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace posthaste::log {

// QID: from=<S>, size=N, nrcpt=N (queue active)
struct Activated {
    std::string_view queue_id;
    std::string_view sender;  // as address_text() has it, without angle brackets
    std::uint64_t size = 0;   // bytes as Postfix counts them: lines end with one character
    std::size_t recipients = 0;
};
void activated(const Activated& message);
// QID: removed
void removed(std::string_view queue_id);
enum class Expiry : unsigned char { Time, Forced };  // maximal_queue_lifetime; postsuper -e
// QID: from=<S>, status=expired, returned to sender; status=force-expired
void expired(std::string_view queue_id, std::string_view sender, Expiry how);
// QID: skipped, still being delivered
void still_being_delivered(std::string_view queue_id);

}  // namespace posthaste::log
