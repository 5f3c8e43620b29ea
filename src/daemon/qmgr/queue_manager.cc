// queue_manager.cc — reading the queue, and what agents answer. See queue_manager.h.
#include "daemon/qmgr/queue_manager.h"

#include "base/text.h"
#include "daemon/qmgr/snapshot.h"
#include "log/address_form.h"
#include "log/events_delivery.h"
#include "log/events_qmgr.h"
#include "log/log.h"

#include <algorithm>
#include <chrono>

namespace posthaste::qmgr {

namespace {

constexpr std::size_t read_at_once = 32;      // messages a turn from each side, so that neither starves the other
constexpr std::size_t kept_for_new_mail = 5;  // one part in so many of the active queue
constexpr std::size_t nearly_full = 10;       // so is the active queue when less than one part in so many is free
constexpr Seconds still_held_pause = 5;       // until a message that an agent holds is looked at again
constexpr unsigned most_losses = 3;           // a message that takes its agent down so often is put off
constexpr std::chrono::milliseconds tick{1000};

}  // namespace

Seconds seconds_now()
{
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

Seconds seconds_of(queue::WallTime time)
{
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

// Whether the message is not in the queue any more. Anything else (no space, no descriptor, no right) may pass.
bool is_final(const Error& error) { return error.kind() == ErrorKind::NotFound || error.kind() == ErrorKind::Corrupt; }

std::int64_t microseconds_now()
{
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

Result<std::shared_ptr<QueueManager::Snapshot>> QueueManager::read(ConfigPtr config, const Surroundings& surroundings)
{
    return Snapshot::make(std::move(config), surroundings);
}

Result<std::unique_ptr<QueueManager>> QueueManager::open(std::shared_ptr<Snapshot> snapshot,
                                                         queue::QueueOptions options, Surroundings surroundings)
{
    TRY(std::unique_ptr<queue::Store> store, queue::Store::open(std::move(options)));
    return std::unique_ptr<QueueManager>(
        new QueueManager(std::move(snapshot), std::move(store), std::move(surroundings)));
}

QueueManager::QueueManager(std::shared_ptr<Snapshot> snapshot, std::unique_ptr<queue::Store> store,
                           Surroundings surroundings)
    : snapshot_(std::move(snapshot)), store_(std::move(store)), surroundings_(std::move(surroundings)),
      scheduler_(
          snapshot_->config,
          [this](const std::string& transport, AgentLinkOwner& owner) -> std::unique_ptr<AgentLink> {
              return std::make_unique<AgentConnection>(surroundings_.private_directory + "/" + transport,
                                                       snapshot_->ipc_timeout, owner);
          },
          *this),
      self_(std::make_shared<QueueManager*>(this))
{
}

QueueManager::~QueueManager() = default;

Result<void> QueueManager::configure(ConfigPtr config)
{
    TRY(snapshot_, Snapshot::make(std::move(config), surroundings_));
    scheduler_.configure(snapshot_->config);
    hint();
    return {};
}

Result<void> QueueManager::start()
{
    const Seconds now = clock_.running();
    TRY(store_->for_each_file(queue::QueueName::Active, [&](const queue::FileEntry& entry) {
        if (entry.expired)
            forced_expiry_.insert(entry.queue_id);
        // The file has the retry time that it was activated for, or a later time at which marks were written.
        park({.queue = queue::QueueName::Active, .queue_id = entry.queue_id}, now,
             {.previous_retry = seconds_of(entry.retry_at)});
    }));
    look_for_deferred();
    hint();
    house_.start(keep_house());
    return {};
}

// Until wind_up() is done: timers, upkeep of the queue.
Task<void> QueueManager::keep_house()
{
    while (!co_await house_may_end_.wait(net::Deadline::after(tick))) {
        co_await keep_queue();
        if (winding_up_)
            continue;
        clock_.look();
        scheduler_.keep_house();
        for (ActiveMessage* message : std::vector(partial_.begin(), partial_.end()))
            read_on(*message);
        if (active_.size() >= snapshot_->active_limit - snapshot_->active_limit / nearly_full)
            scheduler_.warn_of_clogs(active_.size(), snapshot_->active_limit);
        if (net::Clock::now() >= next_listing_)
            look_for_deferred();
        hint();
    }
}

Task<void> QueueManager::keep_queue()
{
    for (const queue::MessageRef& ref : std::exchange(to_bury_, {}))
        bury_in_store(ref);
    if (auto kept = co_await store_->upkeep(); !kept)
        log::warning("queue: {}", kept.error().text());
}

Task<void> QueueManager::wind_up(net::Deadline reports)
{
    winding_up_ = true;
    static_cast<void>(co_await settling_.join(reports));
    // What was buried last is buried in this turn of the loop.
    bury_done();
    house_may_end_.set();
    if (co_await house_.join(net::Deadline::after(tick)))  // else the disk does not answer
        co_await keep_queue();
}

// Reading.

void QueueManager::hint()
{
    if (std::exchange(reading_posted_, true))
        return;
    net::Loop::current().post([weak = std::weak_ptr(self_)] {
        auto self = weak.lock();
        if (!self)
            return;
        (*self)->reading_posted_ = false;
        (*self)->read_more();
    });
}

void QueueManager::flush()
{
    flushing_ = true;
    scheduler_.revive();
    schedule_.make_all_due();
    parked_.make_all_due();
    for (const auto& [id, message] : active_)
        message->try_again = true;
    look_for_deferred();
    hint();
}

std::size_t QueueManager::room() const
{
    return snapshot_->active_limit - std::min(snapshot_->active_limit, active_.size());
}

// A flush of a hundred thousand messages for sites that do not answer leaves room for new mail.
std::size_t QueueManager::room_for_deferred() const
{
    const std::size_t most = snapshot_->active_limit - snapshot_->active_limit / kept_for_new_mail;
    return std::min(room(), most - std::min(most, active_deferred_));
}

queue::RecipientBudget QueueManager::budget() const
{
    return {.left = snapshot_->recipient_limit - std::min(snapshot_->recipient_limit, active_recipients_),
            .least = snapshot_->recipient_minimum};
}

void QueueManager::read_more()
{
    if (winding_up_)
        return;
    // Files only after the journal, which may still have the true copy of one that was not finished.
    if (store_->is_recovered())
        retry_parked();
    std::size_t found = read_new(std::min(room(), read_at_once));
    if (store_->is_recovered())
        found += read_due(std::min(room_for_deferred(), read_at_once));
    if (found > 0 && room() > 0)
        hint();
}

std::size_t QueueManager::read_new(std::size_t most)
{
    if (most == 0)
        return 0;
    auto messages = store_->next(most, budget());
    park_stranded();
    if (!messages) {
        log::warning("queue: {}", messages.error().text());
        return 0;
    }
    for (queue::LoadedMessage& message : *messages)
        admit(std::move(message), Source::New);
    if (messages->empty())
        recovering_ = false;
    return messages->size();
}

std::size_t QueueManager::read_due(std::size_t most)
{
    const Seconds now = clock_.running();
    std::size_t found = 0;
    while (found < most) {
        auto due = schedule_.take_due(now);
        if (!due)
            break;
        ++found;
        const Notes notes{.previous_retry = clock_.to_calendar(due->due), .flushed = due->flushed};
        auto message = store_->activate(queue::QueueName::Deferred, due->queue_id, budget());
        if (message) {
            admit(std::move(*message), Source::Deferred, notes);
            continue;
        }
        park_stranded(notes);
        if (message.error().kind() == ErrorKind::NotFound)
            continue;  // removed or moved by hand, or listed while it went away
        log::warning("{}: cannot be activated: {}", due->queue_id, message.error().text());
        if (!is_final(message.error()) && !parked_.contains(due->queue_id))
            schedule_.put(due->queue_id, now + snapshot_->backoff.minimum.count());
    }
    return found;
}

// What came to active/ and can neither be read now nor go back.
void QueueManager::park_stranded(const Notes& notes)
{
    for (const queue::MessageRef& ref : store_->take_stranded())
        park(ref, clock_.running() + still_held_pause, notes);
}

// Messages that wait in the place where they lie.
void QueueManager::retry_parked()
{
    const Seconds now = clock_.running();
    while (room_for_deferred() > 0) {
        auto due = parked_.take_due(now);
        if (!due)
            return;
        const queue::MessageRef& ref = due->ref;
        if (store_->busy(ref)) {
            log::still_being_delivered(ref.queue_id);
            park(ref, now + still_held_pause, due->notes);
            continue;
        }
        auto message = store_->load(ref, budget());
        if (message) {
            admit(std::move(*message), Source::Parked, due->notes);
            continue;
        }
        if (message.error().kind() != ErrorKind::NotFound)
            log::warning("{}: {}", ref.queue_id, message.error().text());
        // What only a newer release can read is not looked at often, and says so each time.
        const Seconds pause =
            message.error().kind() == ErrorKind::Unsupported ? snapshot_->backoff.minimum.count() : still_held_pause;
        // A file that is damaged is in corrupt/ by now. A segment is not used again before its last message is gone.
        if (message.error().kind() == ErrorKind::Corrupt && ref.queue == queue::QueueName::Journal)
            set_aside(ref, due->notes);
        else if (!is_final(message.error()))
            park(ref, now + pause, due->notes);
    }
}

// It is routed again when its time comes, so that no wish but a hold is left over.
void QueueManager::park(const queue::MessageRef& ref, Seconds due, Notes notes)
{
    if (notes.wish != Wish::Hold)
        notes.wish = Wish::None;
    parked_.put({.due = due, .ref = ref, .notes = notes});
}

void QueueManager::admit(queue::LoadedMessage&& stored, Source source, const Notes& notes)
{
    if (active_.contains(stored.ref.queue_id))
        return;
    // A file of this name that start() found was the unfinished copy of this one, and is gone.
    if (source == Source::New)
        schedule_.remove(stored.ref.queue_id);
    if (recovering_ && store_->busy(stored.ref)) {
        log::still_being_delivered(stored.ref.queue_id);
        park(stored.ref, clock_.running() + still_held_pause, notes);
        return;
    }
    if (stored.expired)
        forced_expiry_.insert(stored.ref.queue_id);
    auto made = std::make_unique<ActiveMessage>(std::move(stored), microseconds_now());
    ActiveMessage& message = *made;
    message.was_deferred = source != Source::New;
    message.notes = notes;
    message.confirms_delay_cleared = snapshot_->confirm_delay_cleared && snapshot_->delay_warning_time.count() > 0 &&
                                     delay_warning_of(message) <= last_attempt(message);
    active_.emplace(message.queue_id(), std::move(made));
    message.admitted = message.envelope().recipients.size();
    active_recipients_ += message.admitted;
    active_deferred_ += message.was_deferred ? 1 : 0;
    if (!message.is_whole())
        partial_.insert(&message);
    // The last queue manager came this far, and a report of success may be owed; or the agent went away for good while
    // the message waited for it; or the message could not be moved to hold/.
    if (message.count(Progress::Done) == message.recipients().size() || message.notes.losses >= most_losses ||
        message.notes.wish == Wish::Hold) {
        stop_reading(message);
        attempt_over(message);
        return;
    }
    const std::string sender = log::address_text(message.envelope().sender);
    log::activated({.queue_id = message.queue_id(),
                    .sender = sender,
                    .size = message.facts().logged_size(),
                    .recipients = message.count(Progress::Todo)});
    message.outstanding = 1;  // the routing itself
    tasks_.start(route(&message, snapshot_));
}

// Answers.

void QueueManager::answered(std::unique_ptr<Delivery> delivery, const DeliveryReply& reply)
{
    ActiveMessage& message = *delivery->message;
    if (!reply.message_problem.empty()) {
        // Nothing was tried; attempt_over() finds recipients that are still to be done.
        log::warning("{}: {}", message.queue_id(), reply.message_problem);
        message.damaged = message.damaged || reply.damaged;
    } else {
        for (const RequestRecipient& asked : delivery->recipients) {
            auto outcome = std::ranges::find(reply.recipients, asked.index, &RecipientReply::index);
            if (outcome == reply.recipients.end())
                message.set(asked.index, Progress::Deferred, "4.3.0", "unknown mail transport error");
            else if (outcome->result == RecipientResult::Done)
                message.set(asked.index, Progress::Done);
            else if (outcome->result == RecipientResult::Bounced)
                message.set(asked.index, Progress::Bounced);
            else
                message.set(asked.index, Progress::Deferred, outcome->code, outcome->reason);
        }
    }
    release(message);
}

// The retry agent defers in the way of any agent: log line, defer log, answer.
void QueueManager::suspended(std::unique_ptr<Delivery> delivery, const std::string& transport, const std::string& code,
                             const std::string& reason)
{
    if (transport != routing::retry_transport) {
        scheduler_.add(std::move(delivery), std::string(routing::retry_transport), code + " " + reason);
        return;
    }
    ActiveMessage& message = *delivery->message;
    for (const RequestRecipient& each : delivery->recipients)
        message.set(each.index, Progress::Deferred, code, reason);
    release(message);
}

void QueueManager::lost(std::unique_ptr<Delivery> delivery, const std::string& transport, const std::string& nexthop)
{
    ActiveMessage& message = *delivery->message;
    message.notes.losses = std::max(message.notes.losses, delivery->losses);
    if (is_still_held(message)) {  // the connection ended, the agent did not yet: perhaps it goes on and marks
        release(message);
        return;
    }
    auto stored = store_->load(message.ref(), {.left = 0, .least = 0});  // its marks
    if (!stored) {
        log::warning("{}: {}", message.queue_id(), stored.error().text());
        release(message);
        return;
    }
    for (const RequestRecipient& each : delivery->recipients) {
        const queue::RecipientMark mark = stored->marks[each.index];
        if (mark != queue::RecipientMark::Todo)
            message.set(each.index, mark == queue::RecipientMark::Bounced ? Progress::Bounced : Progress::Done);
    }
    std::erase_if(delivery->recipients, [&](const RequestRecipient& each) {
        return message.recipients()[each.index].progress != Progress::Todo;
    });
    if (delivery->recipients.empty() || message.notes.wish == Wish::Remove)
        release(message);
    else if (delivery->losses >= most_losses)
        suspended(std::move(delivery), transport, "4.3.0", "unknown mail transport error");
    else
        scheduler_.add(std::move(delivery), transport, nexthop);
}

bool QueueManager::is_still_held(const ActiveMessage& message) { return store_->busy(message.ref()); }

void QueueManager::release(ActiveMessage& message)
{
    --message.outstanding;
    if (message.unread() > 0)
        read_on(message);
    else if (message.outstanding == 0)
        attempt_over(message);
}

}  // namespace posthaste::qmgr
