// find_message.h — finds a message by queue id, wherever it is, or reads one from a file.
//
// Queue files and maildrop files are opened by name. The journal has no index by queue id: its frames are walked, and
// a message that is found there is copied before the place can be used again. No lock is taken.
#pragma once

#include "base/result.h"
#include "queue/envelope.h"
#include "queue/options.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace posthaste::command::postcat {

// A copy of a message as it was when it was found.
struct FoundMessage {
    std::string place;  // below the queue directory; for a journal message its segment and its queue id
    queue::Envelope envelope;
    queue::ContentFacts facts;
    std::string recipient_marks;  // queue::RecipientMark, one byte each
    std::string content;          // wire form: CRLF
    // Where it is in the file, in bytes. A journal message's file is its segment.
    std::uint64_t content_offset = 0;
    std::uint64_t envelope_offset = 0;
    std::uint64_t marks_offset = 0;  // of the first recipient's mark; 0: recipients have none
    // Content that does not lie in one piece: (its position in `content`, its offset in the file), ascending.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> pieces;

    // The offset of content[position].
    [[nodiscard]] std::uint64_t offset_of(std::uint64_t position) const;
};

// NotFound: in none of maildrop, incoming, active, deferred, hold, corrupt and the journal. Corrupt, Denied, Io.
Result<FoundMessage> find_message(const queue::QueueOptions& options, const std::string& queue_id);
// A queue file or maildrop file of any name and mode. Invalid: it is neither; Closed: nothing is in it.
Result<FoundMessage> read_message(const std::string& path);
Result<FoundMessage> read_message(int fd, std::string place);

}  // namespace posthaste::command::postcat
