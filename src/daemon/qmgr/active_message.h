// active_message.h — one message of the active queue: what its recipients still need, and what came of this attempt.
//
// A message with more recipients than fit into memory is read piece by piece: the envelope has the piece that was read
// last, deliveries keep the addresses of their own recipients, and of all others there is one byte.
#pragma once

#include "daemon/qmgr/protocol.h"
#include "net/loop.h"
#include "queue/store.h"

#include <array>
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
    Progress progress;
    const std::string& code;    // of the deferral
    const std::string& reason;  // of the deferral, as logged
};

// One byte a recipient, and the reasons of deferrals, each kept once as long as they are few.
class RecipientStates {
public:
    explicit RecipientStates(std::size_t count);

    [[nodiscard]] std::size_t size() const { return progress_.size(); }
    [[nodiscard]] RecipientState operator[](std::size_t recipient) const;
    [[nodiscard]] std::size_t count(Progress progress) const { return counts_[static_cast<std::size_t>(progress)]; }
    void set(std::size_t recipient, Progress progress, std::string code, std::string reason);

private:
    struct Reason {
        std::string code;
        std::string text;
    };
    std::uint32_t place_of(std::string code, std::string reason);

    std::vector<Progress> progress_;
    std::array<std::size_t, 4> counts_{};
    std::vector<Reason> reasons_;           // the first is empty
    std::vector<std::uint32_t> reason_of_;  // by recipient; empty while nobody was deferred
};

// What the administrator asked for while deliveries were under way; it is done when they are answered. In the order
// of their strength: of two the last counts, whichever was asked for first, so that what is held stays held. (Expiry
// goes with each of them: forced_expiry_.)
enum class Wish : std::uint8_t { None, Requeue, Hold, Remove };

// What is known of a message besides what the queue says of it. A message that waits in place keeps it; of one in
// deferred/ the schedule knows as much.
struct Notes {
    std::int64_t previous_retry = 0;  // seconds, of the calendar: the retry time it was activated for, 0 if it is new
    bool flushed = false;             // the attempt was asked for: defer_transports are tried
    unsigned losses = 0;              // how often an agent went away with one of its deliveries
    Wish wish = Wish::None;
};

// Owned by the queue manager from activation to the end of the attempt; deliveries point to it. Loop's thread only.
class ActiveMessage {
public:
    ActiveMessage(queue::LoadedMessage&& stored, std::int64_t active_since_microseconds);

    [[nodiscard]] const queue::MessageRef& ref() const { return stored_.ref; }
    // Without recipients that are not in memory: see recipient().
    [[nodiscard]] const queue::Envelope& envelope() const { return stored_.envelope; }
    [[nodiscard]] const queue::ContentFacts& facts() const { return stored_.facts; }
    [[nodiscard]] const std::string& queue_id() const { return stored_.ref.queue_id; }
    [[nodiscard]] std::int64_t active_since() const { return active_since_; }
    [[nodiscard]] const RecipientStates& recipients() const { return states_; }
    [[nodiscard]] std::vector<std::size_t> with(Progress progress) const;
    [[nodiscard]] std::size_t count(Progress progress) const { return states_.count(progress); }

    void set(std::size_t recipient, Progress progress, std::string code = {}, std::string reason = {});
    // The agent went away: what is marked in the queue counts, the rest of `indices` is still to be done.
    void take_marks(const std::vector<queue::RecipientMark>& marks);

    // --- the piece that is in memory
    // Recipients that are still in the queue alone.
    [[nodiscard]] std::size_t unread() const { return unread_; }
    // All recipients are in memory.
    [[nodiscard]] bool is_whole() const { return is_whole_; }
    [[nodiscard]] std::size_t piece_begin() const { return piece_begin_; }
    [[nodiscard]] std::size_t piece_end() const { return piece_begin_ + stored_.envelope.recipients.size(); }
    [[nodiscard]] const queue::Recipient& recipient(std::size_t index) const
    {
        return stored_.envelope.recipients[index - piece_begin_];
    }
    [[nodiscard]] queue::RecipientPosition next_piece() const { return stored_.unread; }
    // The next piece takes the place of the last one, which has been routed.
    void take_piece(std::vector<queue::Recipient> recipients, queue::RecipientPosition next);
    // The rest stays unread: what is still to be done is left for another attempt.
    void stop_reading();
    // queue::wants_report_of_success(): some of the recipients do, or nobody has looked at all of them.
    [[nodiscard]] bool may_want_report() const { return may_want_report_; }
    net::Clock::time_point last_read{};
    std::size_t admitted = 0;  // recipients that came with it and count against qmgr_message_recipient_limit

    // Deliveries that are queued or under way, and routing that is not finished. At 0 the attempt is over.
    std::size_t outstanding = 0;
    bool routing = false;
    // Reports are being written or the message is being moved: a wish waits until that is done.
    bool attempt_is_over = false;
    bool damaged = false;  // in the queue: no agent can read it
    Notes notes;
    bool was_deferred = false;            // tried before: a defer log may exist
    bool try_again = false;               // an attempt was asked for while this one is under way: it is made at once
    std::int64_t put_off_until = 0;       // of the schedule: the calendar may jump while the message is moved
    bool confirms_delay_cleared = false;  // its sender was told of a delay and hears of the delivery

private:
    queue::LoadedMessage stored_;
    RecipientStates states_;
    std::int64_t active_since_;
    std::size_t piece_begin_ = 0;
    std::size_t unread_ = 0;
    bool is_whole_ = true;
    bool may_want_report_;
};

// A part of a message for one destination: one request to an agent.
struct Delivery {
    ActiveMessage* message = nullptr;
    std::vector<RequestRecipient> recipients;
    unsigned losses = 0;  // how often an agent went away with it; begins with those that its message had before
};

}  // namespace posthaste::qmgr
