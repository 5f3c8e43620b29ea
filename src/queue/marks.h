// Marks: what became of a message and of each of its recipients, one byte each, apart from the message itself.
//
// A message with n recipients has n + 1 marks: first the message's own, then one per recipient in envelope order.
// A mark is written in place with one pwrite and never goes back to Todo. The delivering agent writes recipient
// marks while it holds the message's shared lock, and a segment in which there is such a lock is not used again. The
// queue manager writes the message's mark, and recipient marks when no agent has the message.
#pragma once

#include <cstdint>

namespace posthaste::queue {

enum class RecipientMark : std::uint8_t {
    Todo = 0,     // not delivered, or nobody knows: it will be tried (again)
    Done = 1,     // delivered, or bounced and reported; nothing is owed
    Bounced = 2,  // failed for good; a delivery status notification is owed until one is committed
};

enum class MessageMark : std::uint8_t {
    Live = 0,   // some recipient may still need work
    Dead = 1,   // nothing is owed: the place may be used again once the marks are durable and nobody has a lock there
    Moved = 2,  // a complete queue file with this queue id exists; this copy is void
    // As Live, and returned to its sender after the next attempt that does not deliver it (postsuper -e). Of a message
    // in the journal: a file has it in its mode.
    Expired = 3,
};

// Whether somebody may still need the message.
constexpr bool is_live(MessageMark mark) { return mark == MessageMark::Live || mark == MessageMark::Expired; }

}  // namespace posthaste::queue
