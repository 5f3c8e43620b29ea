// The end of this process's part of the journal: batches of messages are laid out there, written, and made durable.
//
// Writing is one at a time. Syncs overlap, one for each lane: while the disk works on a batch, the next is written and
// its sync begins, so that the disk's latency is paid by fewer sessions. A sync that has returned covers all batches
// that had been written when it began, so none is durable before those in front of it.
//
// Each lane has the segment open for itself, because the kernel tells each open file of a failed write-back once, and
// the lane that was told may not be the one whose bytes were lost (fsync(2)).
//
// Thread-safe. After an error of the disk the tail is broken for good: nothing more is acknowledged from it.
#pragma once

#include "net/tasks.h"
#include "queue/message_ref.h"
#include "queue/options.h"
#include "queue/positions.h"
#include "queue/segment.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace posthaste::queue {

// One message on its way into the journal.
struct Pending {
    std::string queue_id;
    std::string content;
    std::string encoded_envelope;
    std::string marks;  // empty: all Todo
    std::uint32_t marks_count = 1;
    std::optional<Result<MessageRef>> result;
    net::Event done;

    [[nodiscard]] std::uint64_t frame_size() const;
};
using PendingPtr = std::shared_ptr<Pending>;

// Whether a segment takes such a message. One that it does not take becomes a file.
bool fits_a_segment(const Pending& pending, std::uint64_t segment_size);

class JournalTail {
public:
    static constexpr std::size_t lanes = 2;  // syncs at a time

    // Makes the journal's directory if it is missing, and begins to claim a segment on a thread of its own.
    static Result<std::unique_ptr<JournalTail>> open(const QueueOptions& options);
    JournalTail(const QueueOptions& options, std::unique_ptr<Positions> positions);
    // When no lane is at work. What was written is for recovery and the queue manager.
    ~JournalTail();

    // Commits as much of the front of `work` as goes into one batch, takes it out of there and returns it with a result
    // for each message: a reference, which says that it survives a power cut, or why it does not. At least one message.
    std::vector<PendingPtr> commit_batch(std::deque<PendingPtr>& work, std::size_t lane);
    [[nodiscard]] bool broken() const { return broken_; }
    // Null if there is no room for it on disk.
    [[nodiscard]] Positions::Flow* flow() const { return positions_->flow(); }

private:
    // A segment that is written, open once for each lane.
    struct Segment {
        SegmentHeader header;
        std::array<std::shared_ptr<SegmentFile>, lanes> files;
    };
    struct Written {
        std::shared_ptr<Segment> segment;
        std::vector<std::uint64_t> offsets;  // of the frames
        std::uint64_t end = 0;
        std::uint64_t last_sequence = 0;
    };

    Result<Written> write(std::deque<PendingPtr>& work, std::vector<PendingPtr>& batch);
    Result<void> sync(const Written& written, std::size_t lane);
    Result<void> ensure_segment();
    void start_claiming_spare();
    void leave_segment(std::unique_lock<std::mutex>& lock);
    std::vector<PendingPtr> take_what_fits(std::deque<PendingPtr>& work) const;
    void lay_out(const std::vector<PendingPtr>& batch, std::vector<std::uint64_t>& offsets);

    std::string directory_;
    std::uint64_t segment_size_;
    std::unique_ptr<Positions> positions_;
    std::atomic<bool> broken_ = false;

    std::mutex mutex_;               // guards what follows; not held during a sync
    std::condition_variable quiet_;  // flights_ is empty
    struct Flight {
        std::uint64_t end = 0;
        bool returned = false;
    };
    std::deque<Flight> flights_;  // batches that are written and not published, as they lie in the segment
    std::shared_ptr<Segment> segment_;
    std::future<Result<ClaimedSegment>> spare_;
    std::uint64_t next_offset_ = 0;
    std::uint64_t next_sequence_ = 1;
    std::uint32_t next_mark_ = 0;
    std::uint64_t durable_sequence_ = 0;  // the last frame that is known to be durable
    std::string buffer_;                  // the bytes of a batch
};

}  // namespace posthaste::queue
