// recipients.cc — the recipients of active messages: read, routed, and handed to the scheduler.
//
// A message whose recipients do not fit into memory at once (qmgr_message_recipient_limit) is read piece by piece: the
// next piece when the transports have room for it (default_recipient_limit), or when everything in memory is dealt
// with. The envelope of an ActiveMessage has the piece that was read last; a piece is routed before the next one is
// read.
#include "base/text.h"
#include "daemon/qmgr/queue_manager.h"
#include "daemon/qmgr/snapshot.h"
#include "log/address_form.h"
#include "log/events_delivery.h"
#include "log/log.h"

#include <algorithm>

namespace posthaste::qmgr {

namespace {

constexpr std::size_t routed_in_one_turn = 500;  // of the loop: some milliseconds
constexpr std::size_t read_for_reports = 1000;

// No further deliveries are begun for it.
bool is_to_end(const ActiveMessage& message) { return message.damaged || message.notes.wish != Wish::None; }

}  // namespace

Task<void> QueueManager::route(ActiveMessage* message, std::shared_ptr<Snapshot> snapshot)
{
    message->routing = true;
    std::vector<RoutedRecipient> routed;
    std::size_t in_this_turn = 0;
    for (std::size_t index = message->piece_begin(); index < message->piece_end() && !is_to_end(*message); ++index) {
        if (message->recipients()[index].progress != Progress::Todo)
            continue;
        if (++in_this_turn > routed_in_one_turn) {
            co_await net::sleep_for({});
            in_this_turn = 0;
        }
        routing::Route route = co_await route_recipient(message, index, snapshot);
        if (snapshot->is_double_bounce(route))
            discard_double_bounce(*message, index);
        else
            routed.push_back({.index = static_cast<std::uint32_t>(index), .route = std::move(route)});
    }
    message->routing = false;
    message->last_read = net::Clock::now();
    if (!is_to_end(*message))
        scheduler_.add(*message, std::move(routed));
    if (!message->is_whole() && message->unread() == 0)
        scheduler_.read_completely(*message);
    release(*message);
}

Task<routing::Route> QueueManager::route_recipient(const ActiveMessage* message, std::size_t recipient,
                                                   std::shared_ptr<Snapshot> snapshot)
{
    const queue::Envelope& envelope = message->envelope();
    auto resolved = co_await snapshot->router->resolve(envelope.sender, message->recipient(recipient).address);
    if (!resolved) {
        log::warning("{}: address resolver failure: {}", message->queue_id(), resolved.error().text());
        co_return routing::Route{.transport = std::string(routing::retry_transport),
                                 .nexthop = "4.3.0 address resolver failure",
                                 .recipient = message->recipient(recipient).address};
    }
    routing::Route route = std::move(*resolved);
    if (!route.malformed)
        snapshot->apply_filter(envelope.filter, &route);
    if (!message->notes.flushed && snapshot->defer_transports.contains(route.transport)) {
        route.transport = routing::retry_transport;
        route.nexthop = "4.3.2 deferred transport";
    }
    co_return route;
}

// postconf(5) double_bounce_sender: what comes back to the postmaster's notifications goes no further.
void QueueManager::discard_double_bounce(ActiveMessage& message, std::size_t recipient)
{
    const std::int64_t now = microseconds_now();
    const queue::Envelope& envelope = message.envelope();
    const std::int64_t arrival = envelope.arrival_seconds * 1'000'000 + envelope.arrival_microseconds;
    const std::string address = log::address_text(message.recipient(recipient).address);
    log::delivery(
        {.queue_id = message.queue_id(),
         .recipient = address,
         .original_recipient = {},
         .relay = "none",
         .delays = {.before_active = message.active_since() - arrival, .in_active = now - message.active_since()},
         .code = "2.0.0",
         .status = "sent",
         .text = "undeliverable postmaster notification discarded"});
    if (auto marked = store_->set_marks(message.ref(), std::span(&recipient, 1), queue::RecipientMark::Done); !marked)
        log::warning("{}: {}", message.queue_id(), marked.error().text());
    message.set(recipient, Progress::Done);
}

// A message of which something is unread has an answer, or time has passed.
void QueueManager::read_on(ActiveMessage& message)
{
    if (message.routing)
        return;
    if (message.unread() > 0 && is_to_end(message))
        stop_reading(message);
    if (message.unread() == 0) {
        if (message.outstanding == 0 && !message.attempt_is_over)
            attempt_over(message);
        return;
    }
    if (message.outstanding > 0 && scheduler_.refill(message, message.last_read) == 0)
        return;
    message.routing = true;
    ++message.outstanding;
    tasks_.start(read_and_route(&message));
}

// In a turn of the loop of its own: a message of which all is done is read to its end without an answer in between.
Task<void> QueueManager::read_and_route(ActiveMessage* message)
{
    co_await net::sleep_for({});
    message->routing = false;
    if (!is_to_end(*message) && read_piece(*message))
        co_await route(message, snapshot_);
    else
        release(*message);
}

bool QueueManager::read_piece(ActiveMessage& message)
{
    std::size_t most = scheduler_.refill(message, message.last_read);
    if (message.outstanding == 1)  // nothing of it is in memory
        most = std::max({most, budget().left, snapshot_->recipient_minimum});
    most = std::max(most, std::size_t{1});
    queue::RecipientPosition position = message.next_piece();
    auto piece = store_->read_recipients(message.ref(), position, most);
    if (!piece || piece->empty()) {
        log::warning("{}: {}", message.queue_id(), piece ? "recipients are missing" : piece.error().text());
        message.damaged = message.damaged || (!piece && piece.error().kind() == ErrorKind::Corrupt);
        stop_reading(message);
        return false;
    }
    active_recipients_ -= std::exchange(message.admitted, 0);  // from now on its transports count them
    message.take_piece(std::move(*piece), position);
    return true;
}

void QueueManager::stop_reading(ActiveMessage& message)
{
    message.stop_reading();
    scheduler_.read_completely(message);
}

Result<void> QueueManager::for_each_recipient(const ActiveMessage& message,
                                              const std::function<void(std::size_t, const queue::Recipient&)>& callback)
{
    if (message.is_whole()) {
        for (std::size_t i = 0; i < message.recipients().size(); ++i)
            callback(i, message.recipient(i));
        return {};
    }
    queue::RecipientPosition position;
    for (std::size_t i = 0; i < message.recipients().size();) {
        TRY(auto piece, store_->read_recipients(message.ref(), position, read_for_reports));
        if (piece.empty())
            return fail(ErrorKind::Corrupt, "recipients are missing");
        for (const queue::Recipient& recipient : piece)
            callback(i++, recipient);
    }
    return {};
}

}  // namespace posthaste::qmgr
