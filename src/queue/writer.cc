// writer.cc — group commit.
//
// The loop's thread collects finished drafts and hands those of one turn of the loop over together, after their log
// lines are out (so that client= stands before to=). Where many end in one turn and the disk is idle, the first few are
// handed over before the others are done, so that it works meanwhile. A flush thread takes everything that is waiting,
// lays the frames out behind each other from a 4 KiB boundary on, writes them with one pwrite, and makes them durable
// with one fdatasync (journal_tail.h); what arrives meanwhile is the next batch. So the number of syncs a second is
// bounded by the disk and the number of messages a sync is bounded by the load.
//
// A second flush thread begins with the next batch while the first waits for the disk, but only if that batch is not
// smaller than the one under way: a few sessions do not wait for two syncs in a row, and many sessions, of which the
// processor is the bound, do not pay for more syncs than they need.
#include "queue/writer.h"

#include "log/log.h"
#include "net/endpoint.h"
#include "net/tasks.h"
#include "queue/draft.h"
#include "queue/in_flow.h"
#include "queue/journal_tail.h"
#include "queue/queue_id.h"

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <fmt/format.h>
#include <mutex>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <thread>

namespace posthaste::queue {

namespace {

// Messages. Fewer wait for the end of the turn: a sync for each would cost more than the wait.
constexpr std::size_t worth_an_early_sync = 8;

// Tells the queue manager that there is something new: one byte on a connection that is kept. A hint only: whatever
// goes wrong, the queue manager finds the mail by itself within seconds.
class Hint {
public:
    explicit Hint(std::string socket) : socket_(std::move(socket)) {}

    void send(char what)
    {
        if (socket_.empty())
            return;
        for (int attempt = 0; attempt < 2; ++attempt) {
            if (!fd_ && !connect())
                return;
            if (::send(fd_.get(), &what, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 || errno == EAGAIN)
                return;
            fd_.reset();  // the queue manager was restarted
        }
    }

private:
    bool connect()
    {
        auto where = net::Endpoint::unix_path(socket_);
        UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!where || !fd || ::connect(fd.get(), where->data(), where->size()) != 0)
            return false;
        fd_ = std::move(fd);
        return true;
    }

    std::string socket_;
    UniqueFd fd_;
};

}  // namespace

struct Writer::Impl {
    Impl(QueueOptions queue_options, std::string qmgr_socket)
        : options(std::move(queue_options)), budget(std::make_shared<DraftBudget>()),
          numbers(options.directory + "/journal/queue-ids"), hint(std::move(qmgr_socket))
    {
        budget->options = options;
    }
    ~Impl();

    // Hands what this turn of the loop has finished to the flush threads.
    void hand_over();
    void stage(PendingPtr pending);
    // Whether a flush thread that is free should take what waits.
    [[nodiscard]] bool worth_flushing() const { return !ready.empty() && ready.size() >= under_way; }

    // --- flush threads
    void flush_loop(std::size_t lane);
    void complete(std::vector<PendingPtr> batch);
    void count(std::size_t committed) const;

    QueueOptions options;
    std::shared_ptr<DraftBudget> budget;
    NumberLease numbers;
    Positions::Flow* flow = nullptr;  // null: no room for it
    InFlow in_flow{nullptr};
    Hint hint;
    // Completions that reach the loop after the writer is gone must not touch it.
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);
    std::vector<PendingPtr> staged;
    mutable net::Clock::time_point space_checked{};
    mutable std::uint64_t space_free = 0;

    std::unique_ptr<JournalTail> tail;

    std::mutex mutex;
    std::condition_variable wake;
    std::deque<PendingPtr> ready;  // guarded by mutex
    std::size_t under_way = 0;     // messages that flush threads have; guarded by mutex
    bool stopping = false;         // guarded by mutex
    std::array<std::thread, JournalTail::lanes> threads;
};

Writer::Impl::~Impl()
{
    hand_over();
    {
        std::lock_guard lock(mutex);
        stopping = true;
    }
    wake.notify_all();
    for (std::thread& thread : threads)
        if (thread.joinable())
            thread.join();
    tail.reset();
    *alive = false;
}

void Writer::Impl::hand_over()
{
    if (staged.empty())
        return;
    log::flush();
    bool worth = false;
    {
        std::lock_guard lock(mutex);
        ready.insert(ready.end(), std::make_move_iterator(staged.begin()), std::make_move_iterator(staged.end()));
        worth = worth_flushing();
    }
    staged.clear();
    if (worth)
        wake.notify_one();
}

void Writer::Impl::stage(PendingPtr pending)
{
    staged.push_back(std::move(pending));
    if (staged.size() < worth_an_early_sync)
        return;
    bool disk_is_idle = false;
    {
        std::lock_guard lock(mutex);
        disk_is_idle = under_way == 0 && ready.empty();
    }
    if (disk_is_idle)
        hand_over();
}

void Writer::Impl::flush_loop(std::size_t lane)
{
    std::deque<PendingPtr> work;
    std::unique_lock lock(mutex);
    for (;;) {
        wake.wait(lock, [this] { return stopping || worth_flushing(); });
        if (ready.empty())
            return;
        work.swap(ready);
        under_way += work.size();
        lock.unlock();
        while (!work.empty()) {
            std::vector<PendingPtr> batch = tail->commit_batch(work, lane);
            const std::size_t messages = batch.size();
            if (batch.front()->result->has_value())
                count(messages);
            complete(std::move(batch));
            std::lock_guard relock(mutex);
            under_way -= messages;
        }
        lock.lock();
    }
}

void Writer::Impl::complete(std::vector<PendingPtr> batch)
{
    net::Loop::current().post([this, guard = alive, finished = std::move(batch)] {
        if (*guard)
            hint.send('J');
        for (const PendingPtr& pending : finished)
            pending->done.set();
    });
}

void Writer::Impl::count(std::size_t committed) const
{
    if (flow != nullptr)
        flow->committed.fetch_add(committed, std::memory_order_relaxed);
}

Writer::Writer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Writer::~Writer() = default;

Result<std::unique_ptr<Writer>> Writer::open(QueueOptions options, std::string qmgr_socket)
{
    auto impl = std::make_unique<Impl>(std::move(options), std::move(qmgr_socket));
    TRY(impl->tail, JournalTail::open(impl->options));
    impl->flow = impl->tail->flow();
    impl->in_flow = InFlow(impl->flow);
    net::Loop::current().before_wait([raw = impl.get(), guard = impl->alive] {
        if (*guard)
            raw->hand_over();
    });
    for (std::size_t lane = 0; lane < impl->threads.size(); ++lane)
        impl->threads.at(lane) = std::thread([raw = impl.get(), lane] { raw->flush_loop(lane); });
    return std::unique_ptr<Writer>(new Writer(std::move(impl)));
}

bool Writer::broken() const { return impl_->tail->broken(); }
bool Writer::queue_manager_is_behind() { return impl_->in_flow.is_behind(net::Clock::now()); }

Result<Draft> Writer::begin()
{
    auto state = std::make_unique<Draft::State>(impl_->budget);
    timeval now{};
    ::gettimeofday(&now, nullptr);
    TRY(std::uint64_t number, impl_->numbers.next());
    state->envelope.queue_id = impl_->options.long_queue_ids ? long_queue_id(now, number) : short_queue_id(now, number);
    state->envelope.arrival_seconds = now.tv_sec;
    state->envelope.arrival_microseconds = static_cast<std::uint32_t>(now.tv_usec);
    return Draft(std::move(state));
}

Result<void> Writer::check_space(std::uint64_t expected_size) const
{
    auto now = net::Clock::now();
    if (now - impl_->space_checked > std::chrono::seconds(1) || impl_->space_checked == net::Clock::time_point{}) {
        struct statvfs status{};
        if (::statvfs(impl_->options.directory.c_str(), &status) != 0)
            return fail_errno("statvfs " + impl_->options.directory);
        impl_->space_free = static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
        impl_->space_checked = now;
    }
    if (impl_->space_free < expected_size || impl_->space_free < impl_->options.min_free_bytes)
        return fail(ErrorKind::NoSpace,
                    fmt::format("not enough free space in the queue file system: {} bytes", impl_->space_free));
    return {};
}

namespace {

std::string marks_text(const std::vector<RecipientMark>& marks)
{
    std::string text(1, static_cast<char>(MessageMark::Live));
    for (RecipientMark mark : marks)
        text.push_back(static_cast<char>(mark));
    return text;
}

// Where a message goes that has a file of its own.
struct Place {
    QueueName queue = QueueName::Incoming;
    std::string path;
};

// Completes a queue file; runs on the thread pool, because syncing waits for the disk.
Result<void> finish_file(FileBuilder& file, const Place& place, const std::string& envelope, const std::string& marks)
{
    if (place.queue != QueueName::Incoming)
        TRY(file.move_to(place.path));
    TRY(file.finish(envelope, marks));
    TRY(file.sync_file_and_directory());
    file.keep();
    file.unlock();  // from here on the queue manager may take it
    return {};
}

}  // namespace

Task<Result<Committed>> Writer::commit(Draft draft) { return commit(std::move(draft), {}); }

Task<Result<Committed>> Writer::commit(Draft draft, std::vector<RecipientMark> marks)
{
    Draft::State& state = *draft.state_;
    auto pending = std::make_shared<Pending>();
    pending->encoded_envelope = encode_envelope(state.envelope, state.facts);
    pending->marks_count = static_cast<std::uint32_t>(1 + state.envelope.recipients.size());
    if (!marks.empty())
        pending->marks = marks_text(marks);
    Committed committed;
    committed.facts = state.facts;

    if (!state.file) {
        pending->content = std::move(state.content);
        // A very long recipient list; or the message is for the hold queue, which is made of files.
        if (state.on_hold || !fits_a_segment(*pending, impl_->options.segment_size)) {
            state.content = std::move(pending->content);
            CO_TRY(state.spill());
        }
    }
    if (state.file) {
        std::string file_marks = pending->marks.empty() ? std::string(pending->marks_count, '\0') : pending->marks;
        auto file = std::shared_ptr<FileBuilder>(std::move(state.file));
        Place place{.queue = state.on_hold ? QueueName::Hold : QueueName::Incoming, .path = {}};
        place.path = queue_file_path(impl_->options, place.queue, state.envelope.queue_id);
        committed.ref.queue = place.queue;
        committed.ref.queue_id = state.envelope.queue_id;
        log::flush();
        CO_TRY(co_await net::in_thread([file, place = std::move(place), envelope = pending->encoded_envelope,
                                        file_marks] { return finish_file(*file, place, envelope, file_marks); }));
        if (!state.on_hold) {
            impl_->count(1);
            impl_->hint.send('I');
        }
        co_return committed;
    }
    pending->queue_id = state.envelope.queue_id;
    impl_->stage(pending);
    // A flush thread answers every message: after its sync, or with the error that ended it.
    static_cast<void>(co_await pending->done.wait(net::Deadline::never()));
    CO_TRY(committed.ref, std::move(*pending->result));
    co_return committed;
}

}  // namespace posthaste::queue
