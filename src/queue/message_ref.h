// Where a message lies: in a journal segment, or in a queue file of its own. A value that crosses process borders
// as text. A journal reference names the generation, so that it can never mean another message that later took the
// same place.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::queue {

enum class QueueName : std::uint8_t { Journal, Incoming, Active, Deferred, Hold, Corrupt, Maildrop };

// "incoming", "active", ...: the directory below queue_directory and the word in listings. Journal mail is listed
// by qmgr as incoming or active.
std::string_view name(QueueName queue);

struct MessageRef {
    QueueName queue = QueueName::Journal;
    std::uint64_t segment = 0;     // Journal: number of the segment
    std::uint64_t generation = 0;  // Journal: generation of the segment
    std::uint64_t offset = 0;      // Journal: byte offset of the frame
    std::string queue_id;          // always set

    [[nodiscard]] std::string text() const;  // "J <segment> <generation> <offset> <id>" or "F <queue> <id>"
    static Result<MessageRef> parse(std::string_view text);
    friend bool operator==(const MessageRef&, const MessageRef&) = default;
};

}  // namespace posthaste::queue
