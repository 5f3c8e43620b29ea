// A journal segment: one file of fixed size in journal/, mapped for reading, written with pwrite.
//
// SegmentFile is the open file; the functions below make, claim and retire segments. Whoever writes frames into a
// segment holds an exclusive lock on its first byte for as long as it does (locks.h). A segment's header says
// InUse or Free; only a Free one may be claimed, and only after everything in it is dead and its marks are durable.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "queue/layout.h"
#include "queue/marks.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::queue {

inline constexpr std::uint64_t writer_lock_byte = 0;
inline constexpr std::uint64_t smallest_segment = 256 << 10;
inline constexpr std::uint64_t largest_segment_number = 65535;

// An open segment. Shared by value through shared_ptr; unmapped with its last owner. Thread-safe as far as pread and
// pwrite are.
class SegmentFile {
public:
    // Opens journal/<number> read-write and maps it. NotFound; Corrupt: neither copy of the header is valid.
    static Result<std::shared_ptr<SegmentFile>> open(const std::string& directory, std::uint64_t number);
    SegmentFile(UniqueFd fd, const char* base, std::uint64_t size, std::uint64_t number);
    ~SegmentFile();
    SegmentFile(const SegmentFile&) = delete;
    SegmentFile& operator=(const SegmentFile&) = delete;

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] std::uint64_t number() const { return number_; }
    [[nodiscard]] std::uint64_t size() const { return size_; }
    // The header as it is now (it changes when the segment is retired or claimed). Corrupt if no copy is valid.
    [[nodiscard]] Result<SegmentHeader> header() const;
    // The frame at this offset, if it is a whole frame of this generation whose parts lie inside the segment and
    // whose header checksum is right. Parts are not hashed.
    [[nodiscard]] std::optional<FrameHeader> frame_at(std::uint64_t offset, const SegmentHeader& header) const;
    [[nodiscard]] std::string_view content(std::uint64_t offset, const FrameHeader& frame) const;
    [[nodiscard]] std::string_view envelope(std::uint64_t offset, const FrameHeader& frame) const;
    [[nodiscard]] bool hashes_match(std::uint64_t offset, const FrameHeader& frame) const;
    // marks[0] is the message's, marks[1 + i] recipient i's.
    [[nodiscard]] std::string_view marks(const FrameHeader& frame, const SegmentHeader& header) const;
    Result<void> set_mark(const FrameHeader& frame, const SegmentHeader& header, std::uint32_t index,
                          std::uint8_t value);
    Result<void> sync();
    // False when the file has been unlinked (excess segments are removed).
    [[nodiscard]] bool is_linked() const;

private:
    UniqueFd fd_;
    const char* base_;
    std::uint64_t size_;
    std::uint64_t number_;
};

// The end of a frame, rounded up to where the next frame of the batch begins.
std::uint64_t frame_end(std::uint64_t offset, const FrameHeader& frame);

std::string segment_path(const std::string& directory, std::uint64_t number);
// The numbers of all segment files, ascending. An absent journal directory has none.
Result<std::vector<std::uint64_t>> list_segments(const std::string& directory);

// A segment that this process may write: locked, its marks zero, its header durable and InUse.
struct ClaimedSegment {
    std::shared_ptr<SegmentFile> file;
    SegmentHeader header;
};
// Claims a Free segment of the given size, or makes a new one (written full of zeros, synced, and its directory
// synced). Blocks for the time of the syncs. NoSpace: the disk is full.
Result<ClaimedSegment> claim_segment(const std::string& directory, std::uint64_t size);
// Makes one more Free segment (the reserve for a full disk).
Result<void> make_free_segment(const std::string& directory, std::uint64_t size);
// Marks an unlocked segment whose messages are all dead as Free: marks synced first, then the header with the next
// generation. False: a writer holds it.
Result<bool> retire_segment(SegmentFile& file);

}  // namespace posthaste::queue
