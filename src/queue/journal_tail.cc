// journal_tail.cc — see journal_tail.h.
//
// When a segment is half full the next one is claimed (or made) on a thread of its own, so that going on to it costs
// nothing.
#include "queue/journal_tail.h"

#include <algorithm>
#include <sys/stat.h>

namespace posthaste::queue {

std::uint64_t Pending::frame_size() const
{
    return align_up(sizeof(FrameHeader) + content.size() + encoded_envelope.size(), frame_alignment);
}

bool fits_a_segment(const Pending& pending, std::uint64_t segment_size)
{
    std::uint64_t size = std::max(segment_size, smallest_segment);
    return pending.frame_size() <= size / 4 && pending.marks_count <= size / 256 &&
           pending.encoded_envelope.size() <= UINT32_MAX;
}

Result<std::unique_ptr<JournalTail>> JournalTail::open(const QueueOptions& options)
{
    TRY(std::unique_ptr<Positions> positions, Positions::open(options.directory));
    auto tail = std::make_unique<JournalTail>(options, std::move(positions));
    tail->start_claiming_spare();
    return tail;
}

JournalTail::JournalTail(const QueueOptions& options, std::unique_ptr<Positions> positions)
    : directory_(options.directory), segment_size_(options.segment_size), positions_(std::move(positions))
{
}

JournalTail::~JournalTail()
{
    {
        std::unique_lock lock(mutex_);
        leave_segment(lock);
    }
    if (spare_.valid())
        spare_.wait();
}

std::vector<PendingPtr> JournalTail::commit_batch(std::deque<PendingPtr>& work, std::size_t lane)
{
    std::vector<PendingPtr> batch;
    auto fail_batch = [&](const Error& error) {
        for (PendingPtr& pending : batch)
            pending->result = fail(error);
        return std::move(batch);
    };
    Result<Written> written = write(work, batch);
    if (!written)
        return fail_batch(written.error());
    // This is the moment: after it, and never before, a client may be told 250.
    if (Result<void> synced = sync(*written, lane); !synced)
        return fail_batch(synced.error());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        MessageRef ref;
        ref.segment = written->segment->header.number;
        ref.generation = written->segment->header.generation;
        ref.offset = written->offsets[i];
        ref.queue_id = batch[i]->queue_id;
        batch[i]->result = std::move(ref);
    }
    return batch;
}

// `batch` holds what was taken out of `work`; without a segment, that is all of it.
Result<JournalTail::Written> JournalTail::write(std::deque<PendingPtr>& work, std::vector<PendingPtr>& batch)
{
    std::unique_lock lock(mutex_);
    auto take_all = [&] {
        batch.assign(std::make_move_iterator(work.begin()), std::make_move_iterator(work.end()));
        work.clear();
    };
    while (batch.empty()) {
        if (broken_) {
            take_all();
            return fail(ErrorKind::Io, "the journal of this process failed before");
        }
        if (Result<void> have = ensure_segment(); !have) {
            take_all();
            return fail(std::move(have).error());
        }
        batch = take_what_fits(work);
        if (batch.empty())
            leave_segment(lock);
    }
    Written written{.segment = segment_, .offsets = {}};
    const SegmentHeader& header = segment_->header;
    const int fd = segment_->files[0]->fd();
    const std::uint64_t start = align_up(next_offset_, block_size);
    std::uint32_t mark = next_mark_;
    lay_out(batch, written.offsets);
    Result<void> stored;
    for (const PendingPtr& pending : batch) {
        if (stored && !pending->marks.empty())
            stored = write_fully_at(fd, pending->marks, static_cast<off_t>(header.marks_offset + mark));
        mark += pending->marks_count;
    }
    if (stored)
        stored = write_fully_at(fd, buffer_, static_cast<off_t>(start));
    if (!stored) {
        broken_ = true;
        segment_.reset();  // with its last user the file is closed, and the writer's lock is gone
        return fail(ErrorKind::Io, std::string(stored.error().text()));
    }
    next_offset_ = written.end = start + buffer_.size();
    written.last_sequence = next_sequence_ - 1;
    flights_.push_back({.end = written.end});
    if (!spare_.valid() && next_offset_ > header.size / 2)
        start_claiming_spare();
    return written;
}

// An error is final: the kernel may report it once and then call the pages clean. What another lane has under way is
// not acknowledged either; recovery reads what is there.
Result<void> JournalTail::sync(const Written& written, std::size_t lane)
{
    Result<void> synced = written.segment->files.at(lane)->sync();
    std::lock_guard lock(mutex_);
    std::ranges::find(flights_, written.end, &Flight::end)->returned = true;
    std::uint64_t answered = 0;
    for (; !flights_.empty() && flights_.front().returned; flights_.pop_front())
        answered = flights_.front().end;
    if (flights_.empty())
        quiet_.notify_all();
    if (!synced || broken_) {
        broken_ = true;
        segment_.reset();
        return fail(ErrorKind::Io,
                    synced ? "the journal of this process failed before" : std::string(synced.error().text()));
    }
    // The other lane's sync may have begun later, covered this batch, and be back already.
    durable_sequence_ = std::max(durable_sequence_, written.last_sequence);
    // What lies in front may still be refused, as long as its own sync has not returned: nobody may read it yet.
    if (answered > 0)
        positions_->publish(written.segment->header.number, answered);
    return {};
}

void JournalTail::start_claiming_spare()
{
    spare_ = std::async(std::launch::async,
                        [directory = directory_, size = segment_size_] { return claim_segment(directory, size); });
}

Result<void> JournalTail::ensure_segment()
{
    if (segment_)
        return {};
    if (!spare_.valid())
        start_claiming_spare();
    TRY(ClaimedSegment claimed, spare_.get());
    auto segment = std::make_shared<Segment>(Segment{.header = claimed.header, .files = {}});
    segment->files[0] = std::move(claimed.file);  // has the writer's lock
    for (std::size_t lane = 1; lane < lanes; ++lane) {
        TRY(segment->files.at(lane), SegmentFile::open(directory_, claimed.header.number));
    }
    TRY(positions_->begin(claimed.header.number, claimed.header.generation, claimed.header.frames_offset));
    next_offset_ = claimed.header.frames_offset;
    next_sequence_ = 1;
    next_mark_ = 0;
    durable_sequence_ = 0;
    segment_ = std::move(segment);
    return {};
}

// Once all that was written there is durable: whoever finds it sealed reads to its end.
void JournalTail::leave_segment(std::unique_lock<std::mutex>& lock)
{
    std::shared_ptr<Segment> left = segment_;
    quiet_.wait(lock, [this] { return flights_.empty(); });
    if (!left || left != segment_)
        return;  // the other lane has failed, or has left it
    positions_->seal(left->header.number, left->header.generation);
    segment_.reset();
}

std::vector<PendingPtr> JournalTail::take_what_fits(std::deque<PendingPtr>& work) const
{
    std::vector<PendingPtr> batch;
    std::uint64_t end = align_up(next_offset_, block_size);
    std::uint32_t mark = next_mark_;
    while (!work.empty()) {
        const Pending& pending = *work.front();
        if (end + pending.frame_size() > segment_->header.size ||
            mark + pending.marks_count > segment_->header.marks_size)
            break;
        end += pending.frame_size();
        mark += pending.marks_count;
        batch.push_back(std::move(work.front()));
        work.pop_front();
    }
    return batch;
}

// The bytes of the batch, in buffer_, and where each frame will be.
void JournalTail::lay_out(const std::vector<PendingPtr>& batch, std::vector<std::uint64_t>& offsets)
{
    buffer_.clear();
    const std::uint64_t start = align_up(next_offset_, block_size);
    for (const PendingPtr& pending : batch) {
        FrameHeader frame;
        frame.generation = segment_->header.generation;
        frame.sequence = next_sequence_++;
        frame.batch_sequence = durable_sequence_ + 1;
        frame.content_size = pending->content.size();
        frame.content_hash = hash_of(pending->content);
        frame.envelope_hash = hash_of(pending->encoded_envelope);
        frame.envelope_size = static_cast<std::uint32_t>(pending->encoded_envelope.size());
        frame.marks_offset = next_mark_;
        frame.marks_count = pending->marks_count;
        frame.checksum = checksum_of(frame);
        next_mark_ += pending->marks_count;
        offsets.push_back(start + buffer_.size());
        buffer_.append(bytes_of(frame)).append(pending->content).append(pending->encoded_envelope);
        buffer_.resize(align_up(buffer_.size(), frame_alignment));
    }
}

}  // namespace posthaste::queue
