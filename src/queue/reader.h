// How a delivering agent reads a message where it lies, and writes its marks.
//
// A Reader belongs to one process and keeps segments mapped. open() takes the message's shared lock and holds it as
// long as a StoredMessage lives: no one moves, deletes or recycles the message meanwhile. Content is a view into
// the mapping: nothing is copied.
#pragma once

#include "base/result.h"
#include "queue/envelope.h"
#include "queue/marks.h"
#include "queue/message_ref.h"
#include "queue/options.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::queue {

// An open message. Copies share one lock; the last one releases it. Loop's thread only.
class StoredMessage {
public:
    struct State;
    explicit StoredMessage(std::shared_ptr<State> state);

    [[nodiscard]] const Envelope& envelope() const;
    [[nodiscard]] const ContentFacts& facts() const;
    [[nodiscard]] std::string_view content() const;  // wire form: CRLF, not dot-stuffed
    [[nodiscard]] RecipientMark mark(std::size_t recipient) const;
    [[nodiscard]] MessageMark message_mark() const;
    // Writes one recipient's mark in place. Io: the mark may be lost; report the outcome all the same.
    Result<void> set_mark(std::size_t recipient, RecipientMark mark);
    // Makes the marks durable: the queue manager does that about once a second, while there is one.
    Result<void> sync_marks();
    // False if the place was recycled under the reader (a bug elsewhere), or somebody removed the file by hand: checked
    // before the final dot.
    [[nodiscard]] bool still_valid() const;

private:
    std::shared_ptr<State> state_;
};

class Reader {
public:
    explicit Reader(QueueOptions options = {});
    ~Reader();

    // NotFound: the message is gone (dead, moved or recycled). Corrupt: checksums fail. Temporary: locked exclusively
    // (being moved or removed).
    Result<StoredMessage> open(const MessageRef& ref);

    struct Impl;

private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace posthaste::queue
