// running_queue.cc — the queue through the queue manager's control protocol. What waits in files is listed from the
// directories, what is active or waits in the journal by the queue manager.
#include "command/postsuper/expire.h"
#include "command/postsuper/queue_access.h"
#include "command/postsuper/structure.h"
#include "log/log.h"
#include "net/tasks.h"
#include "queue/directory_walk.h"
#include "server/progress.h"
#include "server/queue_control.h"

#include <algorithm>
#include <vector>

namespace posthaste::command::postsuper {

namespace {

using qmgr::Command;
using qmgr::ControlOutcome;
using queue::QueueName;

// So many ids go into one request: the queue manager goes on delivering between two.
constexpr std::size_t batch = 4000;

Task<Result<qmgr::ControlReply>> send(std::string socket, qmgr::ControlRequest request)
{
    CO_TRY(ipc::Connection connection, co_await server::connect_to_queue_manager(std::move(socket)));
    server::Progress progress("postsuper", "messages changed", server::Output::Nothing);
    qmgr::ControlReply all;
    for (std::size_t at = 0; at < request.queue_ids.size(); at += batch) {
        const auto first = request.queue_ids.begin() + static_cast<std::ptrdiff_t>(at);
        const auto count = static_cast<std::ptrdiff_t>(std::min(batch, request.queue_ids.size() - at));
        const net::Deadline deadline = net::Deadline::after(server::queue_manager_patience);
        CO_TRY(co_await connection.send(qmgr::ControlRequest{request.command, {first, first + count}}, deadline));
        CO_TRY(qmgr::ControlReply reply, co_await connection.receive<qmgr::ControlReply>(deadline));
        for (qmgr::ControlResult& result : reply.results)
            all.results.push_back(std::move(result));
        progress.advance(static_cast<std::uint64_t>(count));
    }
    co_return std::move(all);
}

class RunningQueue final : public QueueAccess {
public:
    RunningQueue(queue::QueueOptions options, std::string socket)
        : options_(std::move(options)), socket_(std::move(socket))
    {
    }

    // Asked before and after the directories are read: between two of them a message may go either way.
    Result<MessageList> messages() override
    {
        MessageList found;
        TRY(add_active(found));
        for (queue::QueueName name : {queue::QueueName::Incoming, queue::QueueName::Deferred, queue::QueueName::Hold})
            if (auto read = queue::for_each_file_below(
                    options_, queue::name(name), [&](const queue::WalkedFile& file) { found[file.queue_id] = name; });
                !read)
                log::warning("{}", read.error().text());
        TRY(add_active(found));
        return found;
    }

    Result<qmgr::ControlReply> change(qmgr::ControlRequest request) override
    {
        const bool expire = request.command == Command::Expire;
        auto reply = net::run_until_done(send(socket_, std::move(request)));
        if (!reply)
            return fail(unanswered(std::move(reply).error()));
        if (expire)
            for (qmgr::ControlResult& result : reply->results)
                mark_expired(result);
        return reply;
    }

    Result<void> mend_structure(const std::vector<std::string>& directories) override
    {
        return check_structure(options_, Misplaced::Report, directories);
    }

private:
    // It was killed, or left, or hangs.
    static Error unanswered(Error error)
    {
        return std::move(error).in("no answer of the queue manager; part of the work may be done, try again");
    }

    // The queue manager remembers it for what it schedules; the file remembers it after a restart, and on hold.
    void mark_expired(qmgr::ControlResult& result) const
    {
        if (result.outcome == ControlOutcome::NotFound) {
            if (expire_file(options_, QueueName::Hold, result.queue_id))
                result.outcome = ControlOutcome::Done;
        } else if (auto marked = expire_file(options_, QueueName::Deferred, result.queue_id);
                   !marked && marked.error().kind() != ErrorKind::NotFound) {
            log::warning("{}: {}", result.queue_id, marked.error().text());
        }
    }

    Result<void> add_active(MessageList& found) const
    {
        auto entries = net::run_until_done(server::list_of_queue_manager(socket_));
        if (!entries)
            return fail(unanswered(std::move(entries).error()));
        for (const qmgr::ListEntry& entry : *entries)
            found[entry.queue_id] = entry.to_be_held               ? queue::QueueName::Hold
                                    : entry.queue_name == "active" ? queue::QueueName::Active
                                                                   : queue::QueueName::Incoming;
        return {};
    }

    queue::QueueOptions options_;
    std::string socket_;
};

Task<Result<void>> reach_queue_manager(std::string socket)
{
    CO_TRY(co_await server::connect_to_queue_manager(std::move(socket)));
    co_return Result<void>{};
}

}  // namespace

Result<std::unique_ptr<QueueAccess>> open_running_queue(queue::QueueOptions options, std::string manager_socket)
{
    if (auto reached = net::run_until_done(reach_queue_manager(manager_socket)); !reached)
        return fail(ErrorKind::Closed, reached.error().text());
    return std::make_unique<RunningQueue>(std::move(options), std::move(manager_socket));
}

}  // namespace posthaste::command::postsuper
