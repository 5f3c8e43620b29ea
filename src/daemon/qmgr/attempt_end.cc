// attempt_end.cc — what follows when every delivery of a message is answered.
//
// In this order: reports that are owed are committed, then marks say that nothing is owed for those recipients, then
// the message is buried or moved. A crash in between repeats a report at worst; it never forgets one.
#include "daemon/qmgr/queue_manager.h"
#include "daemon/qmgr/snapshot.h"
#include "log/address_form.h"
#include "log/events_qmgr.h"
#include "log/log.h"

#include <algorithm>
#include <map>

namespace posthaste::qmgr {

namespace {

constexpr Seconds held_pause = 2;           // an agent has not answered for good yet, but may have marked
constexpr Seconds damaged_pause = 60;       // there was no space for a copy of what is damaged
constexpr std::size_t most_at_once = 1000;  // survivors in one batch

queue::WallTime wall_time(Seconds seconds) { return queue::WallTime(std::chrono::seconds(seconds)); }

// What the bounce service is told of a recipient that ran out of time.
bounce::Record record_of(const ActiveMessage& message, std::size_t index, const queue::Recipient& recipient)
{
    const RecipientState& state = message.recipients()[index];
    return {.recipient = recipient.address,
            .original_recipient = recipient.original,
            .dsn_orcpt = recipient.dsn_orcpt,
            .notify = recipient.notify,
            .action = "failed",
            .code = state.code.empty() ? "4.4.7" : state.code,  // RFC 3463: delivery time expired
            .reason = state.reason.empty() ? "delivery time expired" : state.reason,
            .time = seconds_now(),
            .transport = {}};
}

}  // namespace

void QueueManager::attempt_over(ActiveMessage& message)
{
    message.attempt_is_over = true;
    if (message.notes.wish == Wish::Remove) {
        remove(message);
        return;
    }
    if (message.count(Progress::Todo) > 0 && !put_off_rest(message))
        return;
    const bool all_done = message.count(Progress::Done) == message.recipients().size();
    if (all_done && !message.may_want_report() && !message.was_deferred)
        bury(message);
    else if (!winding_up_)  // else the next queue manager finds its marks
        settling_.start(settle(&message));
}

// Of some recipients nobody said what became of them. False: the message is not active any more.
bool QueueManager::put_off_rest(ActiveMessage& message)
{
    if (message.damaged) {
        set_aside(message);
        return false;
    }
    if (message.notes.wish == Wish::Hold)
        return true;
    const bool again = message.notes.wish == Wish::Requeue || is_still_held(message);
    auto stored = store_->load(message.ref(), {.left = 0, .least = 0});  // its marks, after the agent has let go of it
    if (!stored && is_final(stored.error())) {
        log::warning("{}: {}", message.queue_id(), stored.error().text());
        set_aside(message);
        return false;
    }
    if (again || !stored) {
        park(message.ref(), clock_.running() + held_pause, message.notes);
        forget(message);
        return false;
    }
    message.take_marks(stored->marks);
    for (std::size_t index : message.with(Progress::Todo))
        message.set(index, Progress::Deferred, "4.3.0", "unknown mail transport error");
    return true;
}

bool QueueManager::is_expired(const ActiveMessage& message) const
{
    const std::chrono::seconds age(clock_.now() - message.envelope().arrival_seconds);
    return age >= (message.envelope().sender.empty() ? snapshot_->bounce_lifetime : snapshot_->lifetime);
}

Task<void> QueueManager::settle(ActiveMessage* message)
{
    const bool has_defer_log = message->was_deferred || message->count(Progress::Deferred) > 0;
    const bool forced = forced_expiry_.contains(message->queue_id());
    std::vector<std::size_t> expired;
    if (message->notes.wish != Wish::Hold && (forced || is_expired(*message)))
        expired = message->with(Progress::Deferred);
    bool reported = true;
    if (!expired.empty() || message->count(Progress::Bounced) > 0) {
        if (!expired.empty())
            log::expired(message->queue_id(), log::address_text(message->envelope().sender),
                         forced ? log::Expiry::Forced : log::Expiry::Time);
        reported = co_await report(message, std::move(expired));
    }
    const bool traced = co_await report_trace(message);

    const bool all_done = message->count(Progress::Done) == message->recipients().size();
    if (all_done && (traced || is_expired(*message))) {
        if (has_defer_log)
            co_await ask(ReportService::Defer, {.command = bounce::Command::Drop, .queue_id = message->queue_id()});
        bury(*message);
        co_return;
    }
    if (reported && !all_done && message->notes.wish < Wish::Hold)
        co_await warn_of_delay(message);
    if (message->notes.wish == Wish::Remove) {
        remove(*message);
        co_return;
    }
    const Seconds now = clock_.now();
    const Seconds pause =
        next_attempt(now, message->envelope().arrival_seconds, snapshot_->backoff, jitter_of(message->queue_id())) -
        now;
    const Seconds due = clock_.running() + (message->notes.wish == Wish::Requeue ? 0 : pause);
    put_off(*message, message->notes.wish == Wish::Hold ? queue::QueueName::Hold : queue::QueueName::Deferred, due);
}

// The report is committed, or the message stays. False: it stays.
Task<bool> QueueManager::report(ActiveMessage* message, std::vector<std::size_t> expired)
{
    bounce::Request request{.command = bounce::Command::Flush,
                            .queue_id = message->queue_id(),
                            .message = message->ref().text(),
                            .sender = message->envelope().sender};
    if (!co_await record_expired(message, expired, &request.records))
        co_return false;
    if (!co_await ask(ReportService::Bounce, std::move(request)))
        co_return false;
    std::vector<std::size_t> settled = message->with(Progress::Bounced);
    std::ranges::copy(expired, std::back_inserter(settled));
    for (std::size_t index : settled)
        message->set(index, Progress::Done);
    // At once, although what is left of the message may be buried: other services are asked before that, and a restart
    // meanwhile must not report again.
    if (auto marked = store_->set_marks(message->ref(), settled, queue::RecipientMark::Done); !marked)
        log::warning("{}: {}", message->queue_id(), marked.error().text());
    co_return true;
}

// What is to be added to the report: `last` with the report itself, what comes before in pieces, because a large list
// that nobody takes makes records for each of its recipients.
Task<bool> QueueManager::record_expired(ActiveMessage* message, std::vector<std::size_t> expired,
                                        std::vector<bounce::Record>* last)
{
    if (expired.empty())
        co_return true;
    if (message->is_whole() && expired.size() <= most_at_once) {
        for (std::size_t index : expired)
            last->push_back(record_of(*message, index, message->recipient(index)));
        co_return true;
    }
    queue::RecipientPosition position;
    auto next = expired.begin();
    for (std::size_t index = 0; next != expired.end();) {
        auto piece = store_->read_recipients(message->ref(), position, most_at_once);
        if (!piece || piece->empty()) {
            log::warning("{}: {}", message->queue_id(), piece ? "recipients are missing" : piece.error().text());
            co_return false;
        }
        bounce::Request request{.command = bounce::Command::Append, .queue_id = message->queue_id()};
        for (const queue::Recipient& recipient : *piece) {
            if (next != expired.end() && *next == index) {
                request.records.push_back(record_of(*message, index, recipient));
                ++next;
            }
            ++index;
        }
        if (!request.records.empty() && !co_await ask(ReportService::Bounce, std::move(request)))
            co_return false;
    }
    co_return true;
}

// False: a report of success is owed, and asked for again with the next attempt.
Task<bool> QueueManager::report_trace(ActiveMessage* message)
{
    const queue::Envelope& envelope = message->envelope();
    bool wanted = envelope.trace == queue::Trace::Report || envelope.trace == queue::Trace::Verify;
    if (!wanted && message->may_want_report()) {
        auto read = for_each_recipient(*message, [&](std::size_t index, const queue::Recipient& recipient) {
            wanted = wanted || ((recipient.notify & queue::notify_success) != 0 &&
                                message->recipients()[index].progress == Progress::Done);
        });
        if (!read)
            log::warning("{}: {}", message->queue_id(), read.error().text());
        wanted = wanted || !read;  // there is none without records
    }
    if (!wanted && !message->confirms_delay_cleared)
        co_return true;
    co_return co_await ask(
        ReportService::Trace,
        {.command = message->confirms_delay_cleared ? bounce::Command::ConfirmDelayCleared : bounce::Command::Flush,
         .queue_id = message->queue_id(),
         .message = message->ref().text(),
         .sender = envelope.sender});
}

Seconds QueueManager::delay_warning_of(const ActiveMessage& message) const
{
    return message.envelope().arrival_seconds + snapshot_->delay_warning_time.count();
}

// The time of the attempt before this one; of its arrival for a message that is new.
Seconds QueueManager::last_attempt(const ActiveMessage& message) const
{
    const Seconds arrival = message.envelope().arrival_seconds;
    const Seconds planned = message.notes.previous_retry;
    return planned == 0 ? arrival
                        : previous_attempt(planned, arrival, snapshot_->backoff, jitter_of(message.queue_id()));
}

// Once a message: when the time of the warning lies between the attempt before and this one.
Task<void> QueueManager::warn_of_delay(ActiveMessage* message)
{
    if (snapshot_->delay_warning_time.count() == 0 || message->envelope().sender.empty())
        co_return;
    const Seconds warning = delay_warning_of(*message);
    if (warning > last_attempt(*message) && warning <= clock_.now())
        co_await ask(ReportService::Defer, {.command = bounce::Command::Warn,
                                            .queue_id = message->queue_id(),
                                            .message = message->ref().text(),
                                            .sender = message->envelope().sender});
}

Task<bool> QueueManager::ask(ReportService which, bounce::Request request)
{
    const std::string queue_id = request.queue_id;
    const std::shared_ptr<Snapshot> snapshot = snapshot_;  // a reload may name another service meanwhile
    ipc::Client& service = which == ReportService::Bounce  ? snapshot->bounce
                           : which == ReportService::Defer ? snapshot->defer
                                                           : snapshot->trace;
    log::flush();  // the report's own lines come after ours
    auto reply = co_await service.call<bounce::Reply>(std::move(request), net::Deadline::after(snapshot->ipc_timeout));
    if (reply && reply->ok)
        co_return true;
    log::warning("{}: bounce or trace service failure: {}", queue_id, reply ? reply->error : reply.error().text());
    co_return false;
}

void QueueManager::drop_logs(const std::string& queue_id) { tasks_.start(drop_logs_of(queue_id)); }

Task<void> QueueManager::drop_logs_of(std::string queue_id)
{
    co_await ask(ReportService::Defer, {.command = bounce::Command::Drop, .queue_id = queue_id});
    co_await ask(ReportService::Bounce, {.command = bounce::Command::Drop, .queue_id = std::move(queue_id)});
}

// postsuper -d
void QueueManager::remove(ActiveMessage& message)
{
    drop_logs(message.queue_id());
    bury(message);
}

// Those of one turn of the loop are buried together: first their lines are out, so that a kill loses none of them.
void QueueManager::bury(ActiveMessage& message)
{
    done_.push_back(message.ref());
    forced_expiry_.erase(message.queue_id());
    forget(message);
    if (done_.size() > 1)
        return;
    net::Loop::current().post([weak = std::weak_ptr(self_)] {
        if (auto self = weak.lock())
            (*self)->bury_done();
    });
}

void QueueManager::bury_done()
{
    const std::vector<queue::MessageRef> batch = std::exchange(done_, {});
    for (const queue::MessageRef& ref : batch)
        log::removed(ref.queue_id);
    log::flush();
    for (const queue::MessageRef& ref : batch)
        bury_in_store(ref);
}

void QueueManager::bury_in_store(const queue::MessageRef& ref)
{
    auto buried = store_->bury(ref);
    if (buried)
        return;
    if (buried.error().kind() != ErrorKind::NotFound && buried.error().kind() != ErrorKind::Temporary)
        log::warning("{}: {}", ref.queue_id, buried.error().text());
    if (!is_final(buried.error()))
        to_bury_.push_back(ref);
}

void QueueManager::set_aside(ActiveMessage& message)
{
    const queue::MessageRef ref = message.ref();
    const Notes notes = message.notes;
    forget(message);
    set_aside(ref, notes);
}

// To corrupt/. While another agent has it, or there is no space, later.
void QueueManager::set_aside(const queue::MessageRef& ref, const Notes& notes)
{
    auto aside = store_->quarantine(ref);
    if (aside)
        return;
    log::warning("{}: {}", ref.queue_id, aside.error().text());
    if (!is_final(aside.error()))
        park(ref, clock_.running() + (aside.error().kind() == ErrorKind::Temporary ? held_pause : damaged_pause),
             notes);
}

// The slot in the active queue is free again.
void QueueManager::forget(ActiveMessage& message)
{
    const bool was_full = room_for_deferred() == 0;
    active_recipients_ -= message.admitted;
    active_deferred_ -= message.was_deferred ? 1 : 0;
    if (!message.is_whole()) {
        stop_reading(message);
        partial_.erase(&message);
    }
    active_.erase(std::string(message.queue_id()));
    if (was_full)
        hint();
}

// Survivors are moved in batches, one sync for many; those that come while a batch is written are the next batch.
void QueueManager::put_off(ActiveMessage& message, queue::QueueName to, Seconds retry_at)
{
    message.put_off_until = retry_at;
    survivors_.push_back({.ref = message.ref(), .to = to, .retry_at = wall_time(clock_.to_calendar(retry_at))});
    if (!std::exchange(moving_, true))
        settling_.start(move_survivors());
}

Task<void> QueueManager::move_survivors()
{
    // What ends in the same turn of the loop goes into the same batch.
    co_await net::sleep_for(std::chrono::milliseconds(5));
    while (!survivors_.empty()) {
        std::vector<queue::Store::Survivor> batch;
        const std::size_t count = std::min(survivors_.size(), most_at_once);
        batch.assign(survivors_.begin(), survivors_.begin() + static_cast<std::ptrdiff_t>(count));
        survivors_.erase(survivors_.begin(), survivors_.begin() + static_cast<std::ptrdiff_t>(count));
        auto moved = co_await store_->move(batch);
        // Those have ended for good now; what was wished meanwhile is done as for any message that waits.
        std::map<Command, std::vector<std::string>> wishes;
        for (std::size_t i = 0; i < batch.size(); ++i) {
            if (auto wish = after_move(batch[i], moved[i]))
                wishes[*wish].push_back(batch[i].ref.queue_id);
        }
        for (auto& [command, ids] : wishes)
            static_cast<void>(co_await control({.command = command, .queue_ids = std::move(ids)}));
        hint();
    }
    moving_ = false;
}

// Where the message waits now. Returns what was wished meanwhile and is still to be done.
std::optional<Command> QueueManager::after_move(const queue::Store::Survivor& survivor,
                                                const Result<queue::MessageRef>& moved)
{
    const std::string& queue_id = survivor.ref.queue_id;
    ActiveMessage& message = *active_.at(queue_id);
    const Wish wish = message.notes.wish;
    const bool try_again = message.try_again;
    const Seconds due = message.put_off_until;
    forget(message);
    if (!moved) {
        log::warning("{}: cannot be moved to {}: {}", queue_id, queue::name(survivor.to), moved.error().text());
        // It stays where it is. While an agent has the lock, soon; else when it would have been due.
        const bool soon = try_again || moved.error().kind() == ErrorKind::Temporary;
        park(survivor.ref, soon ? clock_.running() + held_pause : due,
             {.previous_retry = seconds_of(survivor.retry_at), .flushed = try_again, .wish = wish});
    }
    if (moved && forced_expiry_.contains(queue_id))
        expire(*moved);  // perhaps asked for while the file was written
    if (moved && survivor.to == queue::QueueName::Deferred) {
        schedule_.put(queue_id, due);
        if (try_again)
            schedule_.make_due(queue_id);
    }
    switch (wish) {
    case Wish::None: break;
    case Wish::Requeue: return Command::Requeue;
    case Wish::Hold:
        if (moved && survivor.to != queue::QueueName::Hold)
            return Command::Hold;
        break;
    case Wish::Remove: return Command::Remove;
    }
    return std::nullopt;
}

}  // namespace posthaste::qmgr
