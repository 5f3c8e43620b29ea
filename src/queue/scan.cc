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

std::optional<ScanPosition> find_behind_damage(const SegmentFile& file, const SegmentHeader& header,
                                               const ScanPosition& position)
{
    std::optional<std::uint64_t> later_batch;
    for (std::uint64_t offset = align_up(position.offset, block_size); offset < header.size; offset += block_size) {
        auto frame = file.frame_at(offset, header);
        if (frame && frame->batch_sequence > position.next_sequence) {
            later_batch = offset;
            break;
        }
    }
    if (!later_batch)
        return std::nullopt;
    // Frames of the damaged batch that are whole are as good as acknowledged: take up at the first of them.
    for (std::uint64_t offset = align_up(position.offset, frame_alignment); offset <= *later_batch;
         offset += frame_alignment) {
        auto frame = file.frame_at(offset, header);
        if (frame && frame->sequence > position.next_sequence && file.hashes_match(offset, *frame))
            return ScanPosition{offset, frame->sequence};
    }
    return ScanPosition{*later_batch, file.frame_at(*later_batch, header)->sequence};
}

}  // namespace posthaste::queue
