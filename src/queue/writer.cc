// writer.cc — group commit.
//
// The loop's thread collects finished drafts and hands those of one turn of the loop over together, after their log
// lines are out (so that client= stands before to=). The flush thread takes everything that is waiting, lays
// the frames out behind each other from a 4 KiB boundary on, writes them with one pwrite, and makes them durable with
// one fdatasync; what arrives meanwhile is the next batch. So the number of syncs a second is bounded by the disk and
// the number of messages a sync is bounded by the load. When a segment is half full the next one is claimed (or made)
// on a thread of its own, so that going on to it costs nothing.
#include "queue/writer.h"

#include "log/log.h"
#include "net/endpoint.h"
#include "net/tasks.h"
#include "queue/draft.h"
#include "queue/in_flow.h"
#include "queue/positions.h"
#include "queue/queue_id.h"
#include "queue/segment.h"

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <fmt/format.h>
#include <future>
#include <mutex>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <thread>

namespace posthaste::queue {

namespace {

// One message on its way through the flush thread.
struct Pending {
    std::string queue_id;
    std::string content;
    std::string encoded_envelope;
    std::string marks;  // empty: all Todo
    std::uint32_t marks_count = 1;
    std::optional<Result<MessageRef>> result;
    net::Event done;

    [[nodiscard]] std::uint64_t frame_size() const
    {
        return align_up(sizeof(FrameHeader) + content.size() + encoded_envelope.size(), frame_alignment);
    }
};
using PendingPtr = std::shared_ptr<Pending>;

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

    // Hands what this turn of the loop has finished to the flush thread.
    void hand_over();

    // --- flush thread
    void flush_loop();
    void flush(std::deque<PendingPtr>& work);
    Result<void> ensure_segment();
    void start_claiming_spare();
    std::string lay_out(const std::vector<PendingPtr>& batch, std::vector<std::uint64_t>& offsets);
    std::vector<PendingPtr> take_what_fits(std::deque<PendingPtr>& work);
    Result<void> write_batch(const std::vector<PendingPtr>& batch);
    void complete(std::vector<PendingPtr> batch);
    void count(std::size_t committed) const;
    void leave_segment();
    [[nodiscard]] bool fits_a_segment(const Pending& pending) const;

    QueueOptions options;
    std::shared_ptr<DraftBudget> budget;
    NumberLease numbers;
    std::unique_ptr<Positions> positions;
    Positions::Flow* flow = nullptr;  // null: no room for it
    InFlow in_flow{nullptr};
    Hint hint;
    // Completions that reach the loop after the writer is gone must not touch it.
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);
    std::vector<PendingPtr> staged;
    mutable net::Clock::time_point space_checked{};
    mutable std::uint64_t space_free = 0;

    std::mutex mutex;
    std::condition_variable wake;
    std::deque<PendingPtr> ready;  // guarded by mutex
    bool stopping = false;         // guarded by mutex
    std::atomic<bool> broken = false;
    std::thread thread;

    // flush thread only
    std::optional<ClaimedSegment> segment;
    std::future<Result<ClaimedSegment>> spare;
    std::uint64_t next_offset = 0;
    std::uint64_t next_sequence = 1;
    std::uint32_t next_mark = 0;
    std::string buffer;
};

Writer::Impl::~Impl()
{
    hand_over();
    {
        std::lock_guard lock(mutex);
        stopping = true;
    }
    wake.notify_one();
    if (thread.joinable())
        thread.join();
    leave_segment();
    if (spare.valid())
        spare.wait();
    *alive = false;
}

void Writer::Impl::hand_over()
{
    if (staged.empty())
        return;
    log::flush();
    {
        std::lock_guard lock(mutex);
        ready.insert(ready.end(), std::make_move_iterator(staged.begin()), std::make_move_iterator(staged.end()));
    }
    staged.clear();
    wake.notify_one();
}

void Writer::Impl::flush_loop()
{
    std::deque<PendingPtr> work;
    for (;;) {
        {
            std::unique_lock lock(mutex);
            wake.wait(lock, [this] { return stopping || !ready.empty(); });
            if (ready.empty())
                return;
            work.swap(ready);
        }
        flush(work);
    }
}

void Writer::Impl::flush(std::deque<PendingPtr>& work)
{
    while (!work.empty()) {
        auto fail_all = [&](const Error& error) {
            for (PendingPtr& pending : work)
                pending->result = fail(error);
            complete({work.begin(), work.end()});
            work.clear();
        };
        if (broken) {
            fail_all(Error(ErrorKind::Io, "the journal of this process failed before"));
            return;
        }
        if (Result<void> have = ensure_segment(); !have) {
            fail_all(have.error());
            return;
        }
        std::vector<PendingPtr> batch = take_what_fits(work);
        if (batch.empty()) {
            leave_segment();
            continue;
        }
        if (Result<void> written = write_batch(batch); !written) {
            // Final: the kernel may report an error once and then call the pages clean. Recovery reads what is there.
            broken = true;
            for (PendingPtr& pending : batch)
                pending->result = fail(Error(ErrorKind::Io, written.error().text()));
            segment.reset();
        }
        complete(std::move(batch));
    }
}

void Writer::Impl::start_claiming_spare()
{
    spare = std::async(std::launch::async, [directory = options.directory, size = options.segment_size] {
        return claim_segment(directory, size);
    });
}

Result<void> Writer::Impl::ensure_segment()
{
    if (segment)
        return {};
    if (!spare.valid())
        start_claiming_spare();
    TRY(ClaimedSegment claimed, spare.get());
    next_offset = claimed.header.frames_offset;
    next_sequence = 1;
    next_mark = 0;
    TRY(positions->begin(claimed.header.number, claimed.header.generation, next_offset));
    segment = std::move(claimed);
    return {};
}

void Writer::Impl::leave_segment()
{
    if (segment)
        positions->seal(segment->header.number, segment->header.generation);
    segment.reset();  // closes the file and with it the writer's lock
}

std::vector<PendingPtr> Writer::Impl::take_what_fits(std::deque<PendingPtr>& work)
{
    std::vector<PendingPtr> batch;
    std::uint64_t end = align_up(next_offset, block_size);
    std::uint32_t mark = next_mark;
    while (!work.empty()) {
        const Pending& pending = *work.front();
        if (end + pending.frame_size() > segment->header.size ||
            mark + pending.marks_count > segment->header.marks_size)
            break;
        end += pending.frame_size();
        mark += pending.marks_count;
        batch.push_back(std::move(work.front()));
        work.pop_front();
    }
    return batch;
}

std::string Writer::Impl::lay_out(const std::vector<PendingPtr>& batch, std::vector<std::uint64_t>& offsets)
{
    std::string bytes = std::move(buffer);
    bytes.clear();
    std::uint64_t start = align_up(next_offset, block_size);
    std::uint64_t first_sequence = next_sequence;
    for (const PendingPtr& pending : batch) {
        FrameHeader frame;
        frame.generation = segment->header.generation;
        frame.sequence = next_sequence++;
        frame.batch_sequence = first_sequence;
        frame.content_size = pending->content.size();
        frame.content_hash = hash_of(pending->content);
        frame.envelope_hash = hash_of(pending->encoded_envelope);
        frame.envelope_size = static_cast<std::uint32_t>(pending->encoded_envelope.size());
        frame.marks_offset = next_mark;
        frame.marks_count = pending->marks_count;
        frame.checksum = checksum_of(frame);
        next_mark += pending->marks_count;
        offsets.push_back(start + bytes.size());
        bytes.append(bytes_of(frame)).append(pending->content).append(pending->encoded_envelope);
        bytes.resize(align_up(bytes.size(), frame_alignment));
    }
    return bytes;
}

Result<void> Writer::Impl::write_batch(const std::vector<PendingPtr>& batch)
{
    std::uint32_t mark = next_mark;
    std::vector<std::uint64_t> offsets;
    std::string bytes = lay_out(batch, offsets);
    const SegmentHeader& header = segment->header;
    int fd = segment->file->fd();
    for (const PendingPtr& pending : batch) {
        if (!pending->marks.empty())
            TRY(write_fully_at(fd, pending->marks, static_cast<off_t>(header.marks_offset + mark)));
        mark += pending->marks_count;
    }
    std::uint64_t start = align_up(next_offset, block_size);
    TRY(write_fully_at(fd, bytes, static_cast<off_t>(start)));
    // This is the moment: after it, and never before, a client may be told 250.
    TRY(segment->file->sync());
    next_offset = start + bytes.size();
    buffer = std::move(bytes);
    positions->publish(header.number, next_offset);
    count(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        MessageRef ref;
        ref.segment = header.number;
        ref.generation = header.generation;
        ref.offset = offsets[i];
        ref.queue_id = batch[i]->queue_id;
        batch[i]->result = std::move(ref);
    }
    if (!spare.valid() && next_offset > header.size / 2)
        start_claiming_spare();
    return {};
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

bool Writer::Impl::fits_a_segment(const Pending& pending) const
{
    std::uint64_t size = std::max(options.segment_size, smallest_segment);
    return pending.frame_size() <= size / 4 && pending.marks_count <= size / 256 &&
           pending.encoded_envelope.size() <= UINT32_MAX;
}

Writer::Writer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Writer::~Writer() = default;

Result<std::unique_ptr<Writer>> Writer::open(QueueOptions options, std::string qmgr_socket)
{
    auto impl = std::make_unique<Impl>(std::move(options), std::move(qmgr_socket));
    TRY(impl->positions, Positions::open(impl->options.directory));
    impl->flow = impl->positions->flow();
    impl->in_flow = InFlow(impl->flow);
    net::Loop::current().before_wait([raw = impl.get(), guard = impl->alive] {
        if (*guard)
            raw->hand_over();
    });
    impl->start_claiming_spare();
    impl->thread = std::thread([raw = impl.get()] { raw->flush_loop(); });
    return std::unique_ptr<Writer>(new Writer(std::move(impl)));
}

bool Writer::broken() const { return impl_->broken; }
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

// Completes a queue file; runs on the thread pool, because syncing waits for the disk.
Result<void> finish_file(FileBuilder& file, const std::string& envelope, const std::string& marks)
{
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
        if (!impl_->fits_a_segment(*pending)) {  // a very long recipient list
            state.content = std::move(pending->content);
            CO_TRY(state.spill());
        }
    }
    if (state.file) {
        std::string file_marks = pending->marks.empty() ? std::string(pending->marks_count, '\0') : pending->marks;
        auto file = std::shared_ptr<FileBuilder>(std::move(state.file));
        log::flush();
        CO_TRY(co_await net::in_thread([file, envelope = pending->encoded_envelope, file_marks] {
            return finish_file(*file, envelope, file_marks);
        }));
        committed.ref.queue = QueueName::Incoming;
        committed.ref.queue_id = state.envelope.queue_id;
        impl_->count(1);
        impl_->hint.send('I');
        co_return committed;
    }
    pending->queue_id = state.envelope.queue_id;
    impl_->staged.push_back(pending);
    // The flush thread answers every message: after its sync, or with the error that ended it.
    static_cast<void>(co_await pending->done.wait(net::Deadline::never()));
    CO_TRY(committed.ref, std::move(*pending->result));
    co_return committed;
}

}  // namespace posthaste::queue
