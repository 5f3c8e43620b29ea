// stopped_queue.cc — the queue without a queue manager: this process is the scheduler for as long as it runs, and
// delivers nothing. Removing needs no space: a mark in the journal is overwritten, a file is unlinked.
#include "command/postsuper/expire.h"
#include "command/postsuper/queue_access.h"
#include "command/postsuper/structure.h"
#include "log/log.h"
#include "net/tasks.h"
#include "queue/queue_file.h"
#include "queue/store.h"
#include "server/progress.h"

#include <chrono>
#include <map>
#include <unistd.h>

namespace posthaste::command::postsuper {

namespace {

using qmgr::Command;
using qmgr::ControlOutcome;
using queue::QueueName;

constexpr std::size_t everything = 10'000'000;

class StoppedQueue final : public QueueAccess {
public:
    StoppedQueue(queue::QueueOptions options, std::unique_ptr<queue::Store> store)
        : options_(std::move(options)), store_(std::move(store))
    {
    }

    Result<MessageList> messages() override
    {
        TRY(load());
        MessageList found;
        for (const auto& [id, ref] : messages_)
            found[id] = ref.queue == QueueName::Journal ? QueueName::Incoming : ref.queue;
        return found;
    }

    Result<qmgr::ControlReply> change(qmgr::ControlRequest request) override
    {
        TRY(load());
        return net::run_until_done(change_all(std::move(request)));
    }

    Result<void> mend_structure(const std::vector<std::string>& directories) override
    {
        loaded_ = false;
        return check_structure(options_, Misplaced::Move, directories);
    }

private:
    Result<void> load();
    Task<Result<void>> make_durable();
    Task<Result<qmgr::ControlReply>> change_all(qmgr::ControlRequest request);
    Task<ControlOutcome> change_one(Command command, std::string queue_id);
    Result<ControlOutcome> remove(const queue::MessageRef& ref);
    Task<Result<queue::MessageRef>> move(queue::MessageRef ref, QueueName to);
    Task<Result<queue::MessageRef>> expire(queue::MessageRef ref);
    void drop_logs(const std::string& queue_id) const;

    queue::QueueOptions options_;
    std::unique_ptr<queue::Store> store_;
    std::map<std::string, queue::MessageRef> messages_;
    bool loaded_ = false;
};

// Marks are synced by the store's upkeep. That it cannot renew its reserve on a full disk changes nothing here.
Task<Result<void>> StoppedQueue::make_durable()
{
    auto synced = co_await store_->upkeep();
    if (!synced && synced.error().kind() != ErrorKind::NoSpace)
        co_return fail(std::move(synced).error());
    co_return Result<void>{};
}

Result<void> StoppedQueue::load()
{
    if (loaded_)
        return {};
    TRY(net::run_until_done(make_durable()));  // finds that writers are gone, so that segments are read to their end
    TRY(auto waiting, store_->next(everything));
    for (queue::LoadedMessage& message : waiting)
        messages_[message.envelope.queue_id] = std::move(message.ref);
    for (QueueName name : {QueueName::Active, QueueName::Deferred, QueueName::Hold})
        TRY(store_->for_each_file(name, [&](const queue::FileEntry& file) {
            messages_[file.queue_id] = {.queue = name, .queue_id = file.queue_id};
        }));
    loaded_ = true;
    return {};
}

Task<Result<qmgr::ControlReply>> StoppedQueue::change_all(qmgr::ControlRequest request)
{
    qmgr::ControlReply reply;
    server::Progress progress("postsuper", "messages changed", server::Output::Nothing);
    for (const std::string& id : request.queue_ids) {
        reply.results.push_back({.queue_id = id, .outcome = co_await change_one(request.command, id)});
        progress.advance();
    }
    CO_TRY(co_await make_durable());
    co_return std::move(reply);
}

Task<ControlOutcome> StoppedQueue::change_one(Command command, std::string queue_id)
{
    auto found = messages_.find(queue_id);
    if (found == messages_.end())
        co_return ControlOutcome::NotFound;
    const queue::MessageRef ref = found->second;
    const bool held = ref.queue == QueueName::Hold;
    if (command == Command::Remove) {
        auto removed = remove(ref);
        if (!removed) {
            log::warning("{}: {}", queue_id, removed.error().text());
            co_return ControlOutcome::Failed;
        }
        messages_.erase(found);
        co_return *removed;
    }
    if ((command == Command::Hold && held) || (command == Command::Release && !held))
        co_return ControlOutcome::NotFound;
    if (command == Command::Requeue && ref.queue != QueueName::Deferred && !held)
        co_return ControlOutcome::Done;  // it is routed when the mail system starts
    auto moved = command == Command::Expire
                     ? co_await expire(ref)
                     : co_await move(ref, command == Command::Hold ? QueueName::Hold : QueueName::Deferred);
    if (!moved) {
        log::warning("{}: {}", queue_id, moved.error().text());
        co_return ControlOutcome::Failed;
    }
    found->second = *moved;
    co_return ControlOutcome::Done;
}

Result<ControlOutcome> StoppedQueue::remove(const queue::MessageRef& ref)
{
    if (store_->busy(ref)) {  // an agent that outlived its queue manager: the next one buries it
        TRY(store_->bury(ref));
        return ControlOutcome::Pending;
    }
    TRY(store_->bury(ref));
    drop_logs(ref.queue_id);
    return ControlOutcome::Done;
}

// What goes to deferred is due at once.
Task<Result<queue::MessageRef>> StoppedQueue::move(queue::MessageRef ref, QueueName to)
{
    const auto now = std::chrono::system_clock::now();
    if (ref.queue == QueueName::Journal) {
        auto results = co_await store_->move({{.ref = ref, .to = to, .retry_at = now}});
        co_return std::move(results.front());
    }
    if (ref.queue != to)
        CO_TRY(store_->change_queue(ref, to));
    ref.queue = to;
    CO_TRY(store_->set_retry_time(ref, now));
    co_return std::move(ref);
}

// The mark is on a file: journal mail becomes one.
Task<Result<queue::MessageRef>> StoppedQueue::expire(queue::MessageRef ref)
{
    if (ref.queue == QueueName::Journal) {
        CO_TRY(ref, co_await move(ref, QueueName::Deferred));
    }
    CO_TRY(expire_file(options_, ref.queue, ref.queue_id));
    co_return std::move(ref);
}

void StoppedQueue::drop_logs(const std::string& queue_id) const
{
    for (std::string_view name : {"defer", "bounce", "trace"})
        ::unlink((options_.directory + "/" + queue::queue_file_path(options_, name, queue_id)).c_str());
}

}  // namespace

Result<std::unique_ptr<QueueAccess>> open_stopped_queue(queue::QueueOptions options)
{
    TRY(auto store, queue::Store::open(options));
    return std::make_unique<StoppedQueue>(std::move(options), std::move(store));
}

Result<std::unique_ptr<QueueAccess>> open_queue(queue::QueueOptions options, std::string manager_socket)
{
    auto running = open_running_queue(options, std::move(manager_socket));
    if (running)
        return running;
    auto stopped = open_stopped_queue(std::move(options));
    if (!stopped && stopped.error().kind() == ErrorKind::Exists)
        return fail(ErrorKind::Exists,
                    stopped.error().text() + ", and the queue manager does not answer: " + running.error().text());
    return stopped;
}

}  // namespace posthaste::command::postsuper
