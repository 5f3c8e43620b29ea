// scan.cc — see scan.h.
#include "queue/scan.h"

namespace posthaste::queue {

std::optional<ScannedFrame> scan_next(const SegmentFile& file, const SegmentHeader& header, ScanPosition& position,
                                      std::uint64_t limit, bool verify)
{
    std::uint64_t next_batch = align_up(position.offset, block_size);
    for (std::uint64_t offset : {position.offset, next_batch}) {
        auto frame = file.frame_at(offset, header);
        if (!frame || frame->sequence != position.next_sequence || frame_end(offset, *frame) > limit)
            continue;
        if (verify && !file.hashes_match(offset, *frame))
            continue;
        position.offset = frame_end(offset, *frame);
        position.next_sequence = frame->sequence + 1;
        return ScannedFrame{offset, *frame};
    }
    return std::nullopt;
}

std::optional<BehindDamage> find_behind_damage(const SegmentFile& file, const SegmentHeader& header,
                                               const ScanPosition& position)
{
    for (std::uint64_t offset = align_up(position.offset, frame_alignment); offset < header.size;
         offset += frame_alignment) {
        auto frame = file.frame_at(offset, header);
        // No more frames can be missing than would fit into what is damaged.
        const std::uint64_t most_missing = (offset - position.offset) / sizeof(FrameHeader);
        if (frame && frame->sequence > position.next_sequence &&
            frame->sequence - position.next_sequence <= most_missing && file.hashes_match(offset, *frame))
            return BehindDamage{.position = {.offset = offset, .next_sequence = frame->sequence},
                                .in_later_batch = frame->batch_sequence > position.next_sequence};
    }
    return std::nullopt;
}

}  // namespace posthaste::queue
