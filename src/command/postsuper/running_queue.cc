// running_queue.cc — the queue through the queue manager's control protocol. What waits in files is listed from the
// directories, what is active or waits in the journal by the queue manager.
#include "command/postsuper/queue_access.h"
#include "command/postsuper/structure.h"
#include "net/endpoint.h"
#include "net/stream.h"
#include "net/tasks.h"
#include "queue/directory_walk.h"

#include <algorithm>
#include <chrono>
#include <vector>

namespace posthaste::command::postsuper {

namespace {

// It answers between two deliveries, and moves messages into files before it answers.
constexpr std::chrono::seconds patience{60};
// So many ids go into one request: the queue manager goes on delivering between two.
constexpr std::size_t batch = 4000;

Task<Result<ipc::Connection>> connect(net::Deadline deadline)
{
    CO_TRY(net::Endpoint where, net::Endpoint::unix_path("public/qmgr"));
    CO_TRY(net::Stream stream, co_await net::connect(where, deadline));
    ipc::Connection connection(std::move(stream));
    CO_TRY(co_await connection.handshake(qmgr::control_protocol, deadline));
    co_return std::move(connection);
}

Task<Result<std::vector<qmgr::ListEntry>>> list()
{
    CO_TRY(ipc::Connection connection, co_await connect(net::Deadline::after(patience)));
    CO_TRY(co_await connection.send(qmgr::ControlRequest{qmgr::Command::List, {}}, net::Deadline::after(patience)));
    std::vector<qmgr::ListEntry> entries;
    for (;;) {
        CO_TRY(qmgr::ListEntry entry, co_await connection.receive<qmgr::ListEntry>(net::Deadline::after(patience)));
        if (entry.last)
            co_return std::move(entries);
        entries.push_back(std::move(entry));
    }
}

Task<Result<qmgr::ControlReply>> send(qmgr::ControlRequest request)
{
    CO_TRY(ipc::Connection connection, co_await connect(net::Deadline::after(patience)));
    qmgr::ControlReply all;
    for (std::size_t at = 0; at < request.queue_ids.size(); at += batch) {
        const auto first = request.queue_ids.begin() + static_cast<std::ptrdiff_t>(at);
        const auto count = static_cast<std::ptrdiff_t>(std::min(batch, request.queue_ids.size() - at));
        qmgr::ControlRequest part{request.command, {first, first + count}};
        CO_TRY(co_await connection.send(part, net::Deadline::after(patience)));
        CO_TRY(qmgr::ControlReply reply,
               co_await connection.receive<qmgr::ControlReply>(net::Deadline::after(patience)));
        for (qmgr::ControlResult& result : reply.results)
            all.results.push_back(std::move(result));
    }
    co_return std::move(all);
}

class RunningQueue final : public QueueAccess {
public:
    explicit RunningQueue(queue::QueueOptions options) : options_(std::move(options)) {}

    // Asked before and after the directories are read: between two of them a message may go either way.
    Result<MessageList> messages() override
    {
        MessageList found;
        TRY(add_active(found));
        for (queue::QueueName name : {queue::QueueName::Deferred, queue::QueueName::Hold})
            (void)queue::for_each_file_below(options_, queue::name(name),
                                             [&](const queue::WalkedFile& file) { found[file.queue_id] = name; });
        TRY(add_active(found));
        return found;
    }

    Result<qmgr::ControlReply> change(qmgr::ControlRequest request) override
    {
        return net::run_until_done(send(std::move(request)));
    }

    Result<void> mend_structure() override { return check_structure(options_, Misplaced::Report); }

private:
    static Result<void> add_active(MessageList& found)
    {
        TRY(auto entries, net::run_until_done(list()));
        for (const qmgr::ListEntry& entry : entries)
            found[entry.queue_id] =
                entry.queue_name == "active" ? queue::QueueName::Active : queue::QueueName::Incoming;
        return {};
    }

    queue::QueueOptions options_;
};

Task<Result<void>> reach_queue_manager()
{
    CO_TRY(co_await connect(net::Deadline::after(patience)));
    co_return Result<void>{};
}

}  // namespace

Result<std::unique_ptr<QueueAccess>> open_running_queue(queue::QueueOptions options)
{
    if (auto reached = net::run_until_done(reach_queue_manager()); !reached)
        return fail(ErrorKind::Closed, reached.error().text());
    return std::make_unique<RunningQueue>(std::move(options));
}

}  // namespace posthaste::command::postsuper
