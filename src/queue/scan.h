// Walking the frames of a segment in order. The live path and recovery are this one reader.
//
// Frames follow each other at multiples of 8 within a batch; a batch begins at a multiple of 4096. Where no frame
// with the next sequence number follows, the log ends, or is damaged. Each frame says what was durable when it was
// written. If one behind such a place was written after that place had been synced, something acknowledged was lost
// there. If not, these are the last batches, which a power cut may have torn before anybody was told 250.
#pragma once

#include "queue/segment.h"

#include <optional>

namespace posthaste::queue {

struct ScanPosition {
    std::uint64_t offset = 0;  // where the next frame is looked for
    std::uint64_t next_sequence = 1;
};

struct ScannedFrame {
    std::uint64_t offset = 0;
    FrameHeader frame;
};

// The next frame before `limit`; advances the position past it. With verify, a frame whose hashes do not match counts
// as absent.
std::optional<ScannedFrame> scan_next(const SegmentFile& file, const SegmentHeader& header, ScanPosition& position,
                                      std::uint64_t limit, bool verify);

// The first intact frame behind damage.
struct BehindDamage {
    ScanPosition position;
    bool in_later_batch = false;  // written after the damaged part had been synced: that had been acknowledged
};

// Called where scan_next() found nothing in a segment without a writer. No value: the log ends here.
std::optional<BehindDamage> find_behind_damage(const SegmentFile& file, const SegmentHeader& header,
                                               const ScanPosition& position);

}  // namespace posthaste::queue
