// active_message.h — one message of the active queue: what its recipients still need, and what came of this attempt.
#pragma once

#include "daemon/qmgr/protocol.h"
#include "queue/store.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace posthaste::qmgr {

// Where one recipient stands in this attempt.
enum class Progress : std::uint8_t {
    Todo,      // to be delivered, or under way
    Done,      // delivered, or removed by the administrator; marked
    Bounced,   // failed for good, marked; a report is owed
    Deferred,  // this attempt is over for it; tried again later
};

struct RecipientState {
    Progress progress = Progress::Todo;
    std::string code;    // of the deferral
    std::string reason;  // of the deferral, as logged
};

// What the administrator asked for while deliveries were under way; it is done when they are answered.
enum class Wish : std::uint8_t { None, Remove, Hold, Requeue, Expire };

// Owned by the queue manager from activation to the end of the attempt; deliveries point to it. Loop's thread only.
class ActiveMessage {
public:
    ActiveMessage(queue::LoadedMessage stored, std::int64_t active_since_microseconds);

    [[nodiscard]] const queue::MessageRef& ref() const { return stored_.ref; }
    [[nodiscard]] const queue::Envelope& envelope() const { return stored_.envelope; }
    [[nodiscard]] const queue::ContentFacts& facts() const { return stored_.facts; }
    [[nodiscard]] const std::string& queue_id() const { return stored_.ref.queue_id; }
    [[nodiscard]] std::int64_t active_since() const { return active_since_; }
    [[nodiscard]] const std::vector<RecipientState>& recipients() const { return recipients_; }
    [[nodiscard]] std::vector<std::size_t> with(Progress progress) const;
    [[nodiscard]] std::size_t count(Progress progress) const;

    void set(std::size_t recipient, Progress progress, std::string code = {}, std::string reason = {});
    // The agent went away: what is marked in the queue counts, the rest of `indices` is still to be done.
    void take_marks(const std::vector<queue::RecipientMark>& marks);

    // Recipients that are still in the queue alone, not in memory.
    [[nodiscard]] std::size_t unread() const { return unread_; }

    // Deliveries that are queued or under way, and routing that is not finished. At 0 the attempt is over.
    std::size_t outstanding = 0;
    // Reports are being written or the message is being moved: a wish waits until that is done.
    bool attempt_is_over = false;
    bool damaged = false;  // in the queue: no agent can read it
    Wish wish = Wish::None;
    bool was_deferred = false;        // tried before: a defer log may exist
    std::int64_t previous_retry = 0;  // seconds: the retry time it was activated for, 0 if it is new

private:
    queue::LoadedMessage stored_;
    std::vector<RecipientState> recipients_;
    std::int64_t active_since_;
    std::size_t unread_ = 0;
};

// A part of a message for one destination: one request to an agent.
struct Delivery {
    ActiveMessage* message = nullptr;
    std::vector<RequestRecipient> recipients;
    unsigned losses = 0;  // how often an agent went away with it
};

}  // namespace posthaste::qmgr
