// listing.cc — see listing.h.
#include "daemon/showq/listing.h"

#include "daemon/showq/queue_files.h"
#include "net/stream.h"
#include "queue/store.h"
#include "server/queued_message.h"

#include <chrono>
#include <unistd.h>

namespace posthaste::showq {

namespace {

using std::chrono::seconds;

constexpr std::size_t files_a_piece = 256;
constexpr std::size_t pieces_ahead = 8;  // as much is read before the client has taken what is ready

std::string read_piece(const queue::QueueOptions& options, const std::string& queue_name,
                       const std::vector<queue::WalkedFile>& files)
{
    std::string text;
    for (const queue::WalkedFile& file : files)
        if (auto message = read_queue_file(options, queue_name, file.path))
            server::append_queued_message(text, *message);
    return text;
}

}  // namespace

Task<Result<void>> Listing::begin()
{
    queues_ = {"maildrop", "deferred", "hold"};
    if (manager_ == QueueManager::Running) {
        queues_.emplace_front("incoming");  // what is too big for the journal, while the active queue is full
        co_return co_await ask_queue_manager();
    }
    queues_.insert(queues_.begin() + 1, "active");
    if (::access((options_->directory + "/journal").c_str(), F_OK) == 0)
        co_return co_await read_journal();
    queues_.insert(queues_.begin(), "incoming");  // a Postfix before us left this queue, and we were never started
    co_return Result<void>{};
}

Task<Result<std::string>> Listing::next()
{
    if (!std::exchange(begun_, true))
        CO_TRY(co_await begin());
    if (!ready_.empty())
        co_return std::exchange(ready_, {});
    for (;;) {
        read_ahead();
        if (pieces_.empty()) {
            CO_TRY(all_read_);
            co_return std::string();
        }
        const std::shared_ptr<Piece> first = pieces_.front();
        // It takes as long as reading its files takes.
        static_cast<void>(co_await first->read.wait(net::Deadline::never()));
        pieces_.pop_front();
        if (!first->text.empty())
            co_return std::move(first->text);
    }
}

// What cannot be read does not keep the rest from being shown; the error comes at the end.
void Listing::read_ahead()
{
    while (pieces_.size() < pieces_ahead) {
        std::vector<queue::WalkedFile> files;
        if (walk_)
            files = walk_->next(files_a_piece);
        if (!files.empty()) {
            std::erase_if(files, [this](const queue::WalkedFile& file) { return told_.contains(file.queue_id); });
            pieces_.push_back(std::make_shared<Piece>());
            read(pieces_.back(), std::move(files));
            continue;
        }
        if (walk_ && all_read_)
            all_read_ = walk_->result();
        walk_.reset();
        if (queues_.empty())
            return;
        walked_queue_ = std::move(queues_.front());
        queues_.pop_front();
        walk_ = std::make_unique<queue::FileWalk>(options_->directory, walked_queue_, queue::FileWalk::Detail::Names);
    }
}

// The work holds on to the piece: who listens may be gone before it is done.
void Listing::read(const std::shared_ptr<Piece>& piece, std::vector<queue::WalkedFile> files)
{
    net::run_in_thread_pool([piece, options = options_, queue_name = walked_queue_, files = std::move(files)] {
        std::string text = read_piece(*options, queue_name, files);
        net::Loop::current().post([piece, text = std::move(text)]() mutable {
            piece->text = std::move(text);
            piece->read.set();
        });
    });
}

Task<Result<void>> Listing::ask_queue_manager()
{
    const auto patience = net::Deadline::after(seconds(60));  // it answers between two deliveries
    CO_TRY(net::Endpoint where, net::Endpoint::unix_path(manager_socket_));
    CO_TRY(net::Stream stream, co_await net::connect(where, patience));
    ipc::Connection connection(std::move(stream));
    CO_TRY(co_await connection.handshake(qmgr::control_protocol, patience));
    CO_TRY(co_await connection.send(qmgr::ControlRequest{qmgr::Command::List, {}}, patience));
    for (;;) {
        CO_TRY(qmgr::ListEntry entry, co_await connection.receive<qmgr::ListEntry>(patience));
        if (entry.last)
            co_return Result<void>{};
        server::QueuedMessage message;
        message.queue_name = entry.queue_name;
        message.queue_id = entry.queue_id;
        message.arrival_time = entry.arrival_time;
        message.size = entry.message_size;
        message.forced_expire = entry.forced_expire;
        message.sender = entry.sender;
        for (qmgr::ListedRecipient& recipient : entry.recipients)
            message.recipients.push_back({recipient.address, recipient.delay_reason, {}});
        server::append_queued_message(ready_, message);
        told_.insert(std::move(message.queue_id));
    }
}

// Without a queue manager this process holds the scheduler's lock while it reads: nobody changes anything meanwhile.
Task<Result<void>> Listing::read_journal()
{
    CO_TRY(auto store, queue::Store::open(*options_));
    // Finds that writers are gone, so that segments are read to their end. A full disk does not matter here.
    if (auto kept_up = co_await store->upkeep(); !kept_up && kept_up.error().kind() != ErrorKind::NoSpace)
        co_return fail(std::move(kept_up).error());
    constexpr std::size_t everything = 10'000'000;
    CO_TRY(auto messages, store->next(everything));
    for (const queue::LoadedMessage& loaded : messages) {
        std::string marks;
        for (queue::RecipientMark mark : loaded.marks)
            marks.push_back(static_cast<char>(mark));
        server::QueuedMessage message = listed(loaded.envelope, loaded.facts, marks);
        message.queue_name = "incoming";
        message.forced_expire = loaded.expired;
        add_reasons(*options_, message);  // of an attempt that the end of the mail system cut short
        server::append_queued_message(ready_, message);
    }
    co_return Result<void>{};
}

}  // namespace posthaste::showq
