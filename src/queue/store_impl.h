// What the parts of the Store share (store.cc, store_change.cc, store_upkeep.cc).
#pragma once

#include "queue/positions.h"
#include "queue/queue_file.h"
#include "queue/scan.h"
#include "queue/segment.h"
#include "queue/store.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace posthaste::queue {

// From this many files on, one syncfs costs less than a sync for each, and its time does not grow with their number.
inline constexpr std::size_t many_files = 16;

// One segment as the queue manager sees it.
struct KnownSegment {
    std::shared_ptr<SegmentFile> file;
    SegmentHeader header;
    ScanPosition scan;
    std::uint64_t check_files_until = 0;  // frames before this offset may have been moved by an earlier queue manager
    std::uint64_t live = 0;               // frames that were read and are not dead
    bool writer_gone = false;             // nobody appends any more: the end of the log is the end
    bool read_to_end = false;
    bool marks_dirty = false;             // marks may have been written since the last sync
    std::set<std::uint64_t> taken_early;  // offsets of frames that take_unread() gave out: scan will come to them
};

struct Store::Impl {
    explicit Impl(QueueOptions queue_options) : options(std::move(queue_options)) {}

    // --- store.cc
    Result<void> discover_segments();
    [[nodiscard]] bool journal_is_read() const;  // as far as it went when the store was opened
    Result<void> refresh(std::uint64_t number);
    Result<void> notice_claims();
    [[nodiscard]] std::uint64_t committed() const;
    enum class Read : unsigned char { All, Some };
    void count_taken(std::uint64_t committed_before, Read read, std::size_t found) const;
    Result<void> read_segment(KnownSegment& segment, std::size_t most, std::vector<LoadedMessage>& found);
    bool skip_damage(KnownSegment& segment, std::uint64_t durable_end);
    [[nodiscard]] std::uint64_t readable_end(const KnownSegment& segment) const;
    void take_frame(KnownSegment& segment, const ScannedFrame& scanned, std::vector<LoadedMessage>& found);
    bool has_complete_file(const std::string& queue_id);
    [[nodiscard]] bool is_left_by_its_writer(const std::string& queue_id) const;
    Result<void> read_incoming(std::size_t most, std::vector<LoadedMessage>& found);
    // The open segment and frame that a reference means. NotFound if the place means something else by now.
    struct Place {
        KnownSegment* segment;
        FrameHeader frame;
    };
    Result<Place> find(const MessageRef& ref);
    Result<LoadedMessage> load_frame(const KnownSegment& segment, std::uint64_t offset, const FrameHeader& frame);
    // Decodes as many recipients as the budget allows.
    Result<StoredEnvelope> decode(std::string_view envelope);
    Result<LoadedMessage> load_file(QueueName queue, const std::string& queue_id);
    Result<LoadedMessage> activate_file(QueueName from, const std::string& queue_id);
    Result<std::shared_ptr<FileReader>> open_file(const MessageRef& ref);
    [[nodiscard]] std::string full_path(QueueName queue, const std::string& queue_id) const;
    Result<void> rename_file(QueueName from, QueueName to, const std::string& queue_id);
    // The entry of this queue file has come, gone or changed its name.
    void entry_changed(const std::string& path);
    Result<void> save_damage(const KnownSegment& segment, std::uint64_t from, std::uint64_t to);

    QueueOptions options;
    RecipientBudget budget;  // of the call that is at work
    UniqueFd scheduler_lock;
    std::unique_ptr<Positions> positions;
    Positions::Flow* flow = nullptr;  // null: no room for it
    std::map<std::uint64_t, KnownSegment> segments;
    std::set<std::uint64_t> newer_segments;  // that only a newer release can read; logged
    std::set<std::string> newer_files;       // the same for files of incoming/, by queue id
    std::set<std::string> moving;            // queue ids of journal messages that move() is writing
    timespec incoming_seen{};                // modification time of incoming/ at the last complete scan
    bool incoming_settled = false;
    net::Clock::time_point last_discovery{};
    // Queue files are made durable by upkeep(), as marks of the journal are: those in active/ when they changed
    // (marks), others once; and the directories whose entries changed.
    std::map<std::string, timespec> active_files;  // path -> modification time when it was last synced
    std::set<std::string> unsynced_files;
    std::set<std::string> unsynced_directories;
    std::vector<MessageRef> stranded;  // see take_stranded()
    bool upkeep_running = false;
    bool recovered = false;
};

}  // namespace posthaste::queue
