// administration.cc — what postqueue, postsuper and showq ask of the running queue manager (control_protocol.h).
//
// A message whose delivery is under way cannot be changed; the wish is noted and done when the delivery is answered.
#include "daemon/qmgr/queue_manager.h"
#include "log/log.h"

#include <algorithm>

namespace posthaste::qmgr {

namespace {

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

Wish wish_of(Command command)
{
    switch (command) {
    case Command::Remove: return Wish::Remove;
    case Command::Hold: return Wish::Hold;
    case Command::Requeue: return Wish::Requeue;
    case Command::Expire: return Wish::Expire;
    default: return Wish::None;
    }
}

}  // namespace

std::vector<ListEntry> QueueManager::list()
{
    std::vector<ListEntry> entries;
    for (const auto& [id, message] : active_) {
        ListEntry entry = entry_of(message->ref(), message->envelope(), message->facts());
        entry.queue_name = "active";
        entry.forced_expire = message->wish == Wish::Expire || forced_expiry_.contains(id);
        for (std::size_t i = 0; i < message->recipients().size(); ++i)
            if (message->recipients()[i].progress != Progress::Done)
                add_recipient(entry, message->envelope().recipients[i], message->recipients()[i].reason);
        entries.push_back(std::move(entry));
    }
    for (const auto& [due, ref] : parked_) {
        auto message = store_->load(ref);
        if (!message)
            continue;
        ListEntry entry = entry_of(ref, message->envelope, message->facts);
        entry.queue_name = "incoming";
        for (std::size_t i = 0; i < message->marks.size(); ++i)
            if (message->marks[i] == queue::RecipientMark::Todo)
                add_recipient(entry, message->envelope.recipients[i], {});
        entries.push_back(std::move(entry));
    }
    return entries;
}

// The messages that a command without queue ids applies to.
std::vector<std::string> QueueManager::every_id(Command command)
{
    std::vector<std::string> ids;
    auto add_files = [&](queue::QueueName queue) {
        auto listed = store_->for_each_file(queue, [&](const queue::FileEntry& file) { ids.push_back(file.queue_id); });
        if (!listed)
            log::warning("queue: {}", listed.error().text());
    };
    if (command != Command::Release && command != Command::Retry) {
        for (const auto& [id, message] : active_)
            ids.push_back(id);
        for (const auto& [due, ref] : parked_)
            ids.push_back(ref.queue_id);
    }
    if (command != Command::Release)
        schedule_.for_each([&](const std::string& id) { ids.push_back(id); });
    if (command == Command::Release || command == Command::Remove || command == Command::Requeue)
        add_files(queue::QueueName::Hold);
    return ids;
}

Task<ControlReply> QueueManager::control(ControlRequest request)
{
    ControlReply reply;
    if (request.command == Command::RetryAll) {
        flush();
        co_return reply;
    }
    if (request.queue_ids.empty())
        request.queue_ids = every_id(request.command);
    for (const std::string& id : request.queue_ids)
        reply.results.push_back({.queue_id = id, .outcome = co_await apply(request.command, id)});
    hint();
    co_return reply;
}

Task<ControlOutcome> QueueManager::apply(Command command, std::string queue_id)
{
    if (auto active = active_.find(queue_id); active != active_.end())
        co_return apply_to_active(*active->second, wish_of(command));

    auto parked = std::ranges::find(parked_, queue_id, [](const auto& each) { return each.second.queue_id; });
    if (parked != parked_.end()) {
        if (command == Command::Expire)
            forced_expiry_.insert(queue_id);
        if (command != Command::Remove && command != Command::Hold)
            co_return ControlOutcome::Done;  // it is looked at in a moment anyway
        const queue::MessageRef ref = parked->second;
        if (command == Command::Remove) {
            if (!store_->bury(ref))
                co_return ControlOutcome::Failed;
            parked_.erase(parked);
            drop_logs(queue_id);
            co_return ControlOutcome::Done;
        }
        const Seconds due = parked->first;
        parked_.erase(parked);
        auto moved = co_await store_->move({{.ref = ref, .to = queue::QueueName::Hold, .retry_at = {}}});
        if (moved.front())
            co_return ControlOutcome::Done;
        park(ref, due);
        co_return ControlOutcome::Failed;
    }

    const queue::MessageRef deferred{.queue = queue::QueueName::Deferred, .queue_id = queue_id};
    const queue::MessageRef held{.queue = queue::QueueName::Hold, .queue_id = queue_id};
    const bool is_deferred = schedule_.contains(queue_id);
    switch (command) {
    case Command::Remove: co_return remove_file(is_deferred ? deferred.queue : held.queue, queue_id);
    case Command::Hold:
        if (!is_deferred || !store_->change_queue(deferred, queue::QueueName::Hold))
            co_return ControlOutcome::NotFound;
        schedule_.remove(queue_id);
        co_return ControlOutcome::Done;
    case Command::Expire:
        if (!is_deferred)
            co_return ControlOutcome::NotFound;
        forced_expiry_.insert(queue_id);
        co_return ControlOutcome::Done;
    case Command::Requeue:
    case Command::Release:
        if (command == Command::Release || !is_deferred)
            if (!store_->change_queue(held, queue::QueueName::Deferred))
                co_return ControlOutcome::NotFound;
        schedule_.put(queue_id, seconds_now());
        co_return ControlOutcome::Done;
    case Command::Retry:
        if (!is_deferred)
            co_return ControlOutcome::NotFound;
        schedule_.put(queue_id, seconds_now());
        co_return ControlOutcome::Done;
    case Command::List:
    case Command::RetryAll: break;
    }
    co_return ControlOutcome::NotFound;
}

ControlOutcome QueueManager::apply_to_active(ActiveMessage& message, Wish wish)
{
    if (wish == Wish::None)
        return ControlOutcome::Done;  // to be tried soon: it is being tried
    if (message.wish != Wish::Remove)
        message.wish = wish;
    if (wish == Wish::Expire)
        forced_expiry_.insert(message.queue_id());
    if (wish == Wish::Expire || wish == Wish::Requeue || message.attempt_is_over)
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

ControlOutcome QueueManager::remove_file(queue::QueueName queue, const std::string& queue_id)
{
    if (auto message = store_->load({.queue = queue, .queue_id = queue_id});
        !message && message.error().kind() == ErrorKind::NotFound)
        return ControlOutcome::NotFound;
    auto buried = store_->bury({.queue = queue, .queue_id = queue_id});
    if (!buried) {
        log::warning("{}: {}", queue_id, buried.error().text());
        return ControlOutcome::Failed;
    }
    schedule_.remove(queue_id);
    forced_expiry_.erase(queue_id);
    drop_logs(queue_id);
    return ControlOutcome::Done;
}

}  // namespace posthaste::qmgr
