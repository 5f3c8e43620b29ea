// administration.cc — what postqueue, postsuper and showq ask of the running queue manager (control_protocol.h).
//
// A message whose delivery is under way cannot be changed; the wish is noted and done when the delivery is answered.
#include "daemon/qmgr/queue_manager.h"
#include "log/log.h"
#include "queue/queue_file.h"
#include "queue/queue_id.h"

#include <algorithm>
#include <sys/stat.h>

namespace posthaste::qmgr {

namespace {

constexpr std::size_t files_at_once = 4000;

ListEntry entry_of(const queue::MessageRef& ref, const queue::Envelope& envelope, const queue::ContentFacts& facts)
{
    return {.queue_id = ref.queue_id,
            .arrival_time = envelope.arrival_seconds,
            .message_size = facts.logged_size(),
            .sender = envelope.sender};
}

void add_recipient(ListEntry& entry, const queue::Recipient& recipient, std::string reason)
{
    entry.recipients.push_back(
        {.address = recipient.address, .original = recipient.original, .delay_reason = std::move(reason)});
}

}  // namespace

std::vector<ListEntry> QueueManager::list()
{
    std::vector<ListEntry> entries;
    for (const auto& [id, message] : active_) {
        ListEntry entry = entry_of(message->ref(), message->envelope(), message->facts());
        entry.queue_name = "active";
        entry.forced_expire = forced_expiry_.contains(id);
        entry.to_be_held = message->notes.wish == Wish::Hold;
        auto read = for_each_recipient(*message, [&](std::size_t index, const queue::Recipient& recipient) {
            if (const RecipientState state = message->recipients()[index]; state.progress != Progress::Done)
                add_recipient(entry, recipient, state.reason);
        });
        if (!read)
            log::warning("{}: {}", id, read.error().text());
        entries.push_back(std::move(entry));
    }
    for (const auto& [due, parked] : parked_) {
        auto message = store_->load(parked.ref);
        if (!message)
            continue;
        ListEntry entry = entry_of(parked.ref, message->envelope, message->facts);
        entry.queue_name = "incoming";
        entry.forced_expire = forced_expiry_.contains(parked.ref.queue_id);
        entry.to_be_held = parked.notes.wish == Wish::Hold;
        for (std::size_t i = 0; i < message->marks.size(); ++i)
            if (message->marks[i] == queue::RecipientMark::Todo)
                add_recipient(entry, message->envelope.recipients[i], {});
        entries.push_back(std::move(entry));
    }
    return entries;
}

QueueManager::UnreadEntries QueueManager::list_unread() { return UnreadEntries(store_->list_unread()); }

std::vector<ListEntry> QueueManager::UnreadEntries::next(std::size_t most)
{
    std::vector<ListEntry> entries;
    for (const queue::LoadedMessage& message : unread_.next(most)) {
        ListEntry entry = entry_of(message.ref, message.envelope, message.facts);
        entry.queue_name = "incoming";
        entry.forced_expire = message.expired;
        for (std::size_t i = 0; i < message.marks.size(); ++i)
            if (message.marks[i] == queue::RecipientMark::Todo)
                add_recipient(entry, message.envelope.recipients[i], {});
        entries.push_back(std::move(entry));
    }
    return entries;
}

// What can be done at once is done at once; files are changed together, as many as one turn of the loop can prepare.
Task<ControlReply> QueueManager::control(ControlRequest request)
{
    ControlReply reply;
    if (request.command == Command::RetryAll) {
        flush();
        co_return reply;
    }
    const Command command = request.command;
    if (command == Command::Retry)  // ETRN: the site says that it is there again
        scheduler_.revive();
    for (std::string& id : request.queue_ids)
        reply.results.push_back({.queue_id = std::move(id), .outcome = ControlOutcome::NotFound});
    for (std::size_t at = 0; at < reply.results.size();) {
        std::vector<ControlResult*> files;
        for (; at < reply.results.size() && files.size() < files_at_once; ++at) {
            ControlResult& result = reply.results[at];
            if (!queue::is_queue_id(result.queue_id))
                continue;
            if (auto active = active_.find(result.queue_id); active != active_.end())
                result.outcome = apply_to_active(command, *active->second);
            else if (auto parked = parked_.take(result.queue_id))
                result.outcome = apply_to_parked(command, std::move(*parked));
            else if (apply_to_scheduled(command, result.queue_id))
                result.outcome = ControlOutcome::Done;
            else
                files.push_back(&result);
        }
        co_await apply_to_files(command, std::move(files));
    }
    apply_to_unread(command, reply.results);
    hint();
    co_return reply;
}

// What waits in place is removed at once. All else is done when it is looked at again, which is now, if no agent has
// it.
ControlOutcome QueueManager::apply_to_parked(Command command, ParkedMessages::Parked parked)
{
    const std::string queue_id = parked.ref.queue_id;
    if (command == Command::Remove && store_->bury(parked.ref)) {
        forced_expiry_.erase(queue_id);
        drop_logs(queue_id);
        return ControlOutcome::Done;
    }
    Wish& wish = parked.notes.wish;
    ControlOutcome outcome = ControlOutcome::Done;
    switch (command) {
    case Command::Remove: outcome = ControlOutcome::Failed; break;
    case Command::Expire: expire(parked.ref); break;
    case Command::Hold:
        wish = Wish::Hold;
        outcome = ControlOutcome::Pending;
        break;
    case Command::Release:
        if (std::exchange(wish, Wish::None) != Wish::Hold)
            outcome = ControlOutcome::NotFound;
        break;
    default: parked.notes.flushed = true; break;  // as make_due() does for what is scheduled
    }
    const bool goes_on = outcome != ControlOutcome::Failed && outcome != ControlOutcome::NotFound;
    if (goes_on && command != Command::Expire)
        parked.due = 0;
    parked_.put(std::move(parked));
    return outcome;
}

// What needs nothing but another time. False: not for this message or command.
bool QueueManager::apply_to_scheduled(Command command, const std::string& queue_id)
{
    const bool expire = command == Command::Expire;
    if ((!expire && command != Command::Requeue && command != Command::Retry) || !schedule_.contains(queue_id))
        return false;
    if (expire)
        this->expire({.queue = queue::QueueName::Deferred, .queue_id = queue_id});
    else
        schedule_.make_due(queue_id);
    return true;
}

// Known here for the next attempt, and to the queue for those after a restart.
void QueueManager::expire(const queue::MessageRef& ref)
{
    forced_expiry_.insert(ref.queue_id);
    if (auto expired = store_->set_expired(ref); !expired)
        log::warning("{}: {}", ref.queue_id, expired.error().text());
}

// What was not found may wait in the journal, beyond the room of the active queue: it is changed as what waits in
// place.
void QueueManager::apply_to_unread(Command command, std::vector<ControlResult>& results)
{
    std::set<std::string> missing;
    if (command != Command::Release && command != Command::Retry)
        for (const ControlResult& result : results)
            if (result.outcome == ControlOutcome::NotFound && queue::is_queue_id(result.queue_id))
                missing.insert(result.queue_id);
    if (missing.empty())
        return;
    for (queue::LoadedMessage& message : store_->take_unread(missing)) {
        if (message.expired)
            forced_expiry_.insert(message.ref.queue_id);
        park(message.ref, clock_.running());
    }
    park_stranded();
    for (ControlResult& result : results) {
        if (result.outcome != ControlOutcome::NotFound)
            continue;
        if (auto active = active_.find(result.queue_id); active != active_.end())  // it was read meanwhile
            result.outcome = apply_to_active(command, *active->second);
        else if (auto parked = parked_.take(result.queue_id))
            result.outcome = apply_to_parked(command, std::move(*parked));
    }
}

namespace {

// Where the file of a message is that is neither active nor parked. One that is not scheduled may have come to
// deferred/ and not be listed yet.
std::vector<queue::QueueName> places(Command command, bool is_scheduled)
{
    using enum queue::QueueName;
    if (command == Command::Release)
        return {Hold};
    if (is_scheduled || (command != Command::Remove && command != Command::Requeue))
        return {Deferred};
    return {Hold, Deferred};
}

// postsuper -e leaves its mark on the file: of a message on hold, or before a restart.
bool is_expired_file(const std::string& path)
{
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 && queue::is_expired(status.st_mode);
}

std::optional<queue::QueueName> destination(Command command)
{
    if (command == Command::Remove)
        return std::nullopt;
    return command == Command::Hold ? queue::QueueName::Hold : queue::QueueName::Deferred;
}

}  // namespace

Task<void> QueueManager::apply_to_files(Command command, std::vector<ControlResult*> results)
{
    if (results.empty())
        co_return;
    std::vector<std::optional<Seconds>> were_due;
    std::vector<queue::Store::FileChange> changes;
    for (const ControlResult* result : results) {
        were_due.push_back(schedule_.remove(result->queue_id));  // so that it is not activated meanwhile
        changing_.insert(result->queue_id);
        changes.push_back({result->queue_id, places(command, were_due.back().has_value()), destination(command)});
    }
    auto changed = co_await store_->change_files(std::move(changes));
    for (std::size_t i = 0; i < results.size(); ++i) {
        const std::string& id = results[i]->queue_id;
        changing_.erase(id);
        if (!changed[i] && changed[i].error().kind() != ErrorKind::NotFound) {
            results[i]->outcome = ControlOutcome::Failed;
            log::warning("{}: {}", id, changed[i].error().text());
            if (were_due[i])
                schedule_.put(id, *were_due[i]);
        }
        if (!changed[i])
            continue;
        results[i]->outcome = ControlOutcome::Done;
        if (command == Command::Remove)
            forced_expiry_.erase(id);
        else if (command == Command::Expire)
            forced_expiry_.insert(id);
        else if (command != Command::Hold)
            schedule_.put(id, clock_.running());
        const bool goes_on = command != Command::Remove && command != Command::Hold;
        if (goes_on && is_expired_file(store_->path_of(queue::QueueName::Deferred, id)))
            forced_expiry_.insert(id);
    }
}

ControlOutcome QueueManager::apply_to_active(Command command, ActiveMessage& message)
{
    Wish& wish = message.notes.wish;
    switch (command) {
    case Command::Remove: wish = Wish::Remove; break;
    case Command::Hold: wish = std::max(wish, Wish::Hold); break;
    case Command::Requeue: wish = std::max(wish, Wish::Requeue); return ControlOutcome::Pending;
    case Command::Release:
        if (wish != Wish::Hold)
            return ControlOutcome::NotFound;
        wish = Wish::Requeue;
        return ControlOutcome::Pending;
    case Command::Expire: expire(message.ref()); return ControlOutcome::Pending;
    default: message.try_again = true; return ControlOutcome::Done;  // to be tried: it is being tried
    }
    if (message.attempt_is_over)
        return ControlOutcome::Pending;
    if (wish == Wish::Remove)
        static_cast<void>(store_->bury(message.ref()));  // so that it is gone after a restart, too
    // What is not under way yet ends here; the rest when it is answered. The count keeps the message meanwhile.
    ++message.outstanding;
    message.outstanding -= scheduler_.withdraw(message).size();
    const bool at_once = message.outstanding == 1;
    release(message);
    return at_once ? ControlOutcome::Done : ControlOutcome::Pending;
}

}  // namespace posthaste::qmgr
