// How a message is laid out on disk, in a journal segment or in a queue file (format version 1).
//
// A message is its content followed by its encoded envelope; both are location-free and never change after commit.
// The container around it (frame in a segment, header of a queue file) names the sizes and the XXH3 hashes of both
// parts, and says where its marks are. All integers are little-endian. Golden files of each version: test/golden.
//
// Segment (journal/NNNNNNNN), of fixed size, written full of zeros before its first use:
//     [0, 4096)            SegmentHeader, and a copy of it at 2048
//     [marks_offset, ...)  marks, dense, one byte each; zeroed before the segment is used
//     [frames_offset, end) frames; a batch (all frames of one flush) begins at a multiple of 4096, so that no flush
//                          rewrites a block that holds acknowledged bytes; frames within it at multiples of 8
// Queue file:
//     FileHeader (256 bytes), content, envelope, marks
//
// Envelope: records of <tag byte> <length varint> <bytes>, unknown tags are skipped.
#pragma once

#include "base/result.h"
#include "queue/envelope.h"

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::queue {

static_assert(std::endian::native == std::endian::little, "the queue format is little-endian");

inline constexpr std::uint32_t format_version = 1;
inline constexpr std::size_t block_size = 4096;
inline constexpr std::size_t frame_alignment = 8;

enum class SegmentState : std::uint32_t { InUse = 1, Free = 2 };

struct SegmentHeader {
    std::array<char, 8> magic{'P', 'H', 'A', 'S', 'E', 'G', '1', '\n'};
    std::uint32_t version = format_version;
    std::uint32_t checksum = 0;  // of this structure with checksum = 0
    std::uint64_t number = 0;
    std::uint64_t generation = 0;  // never repeats: starts at the microsecond of creation, grows with each use
    std::uint64_t size = 0;
    std::uint64_t marks_offset = 0;
    std::uint64_t marks_size = 0;
    std::uint64_t frames_offset = 0;
    SegmentState state = SegmentState::Free;
    std::uint32_t reserved = 0;
};
static_assert(sizeof(SegmentHeader) == 72);

struct FrameHeader {
    static constexpr std::uint32_t magic_number = 0x52464850;  // "PHFR"
    std::uint32_t magic = magic_number;
    std::uint32_t checksum = 0;  // of this structure with checksum = 0
    std::uint64_t generation = 0;
    std::uint64_t sequence = 0;        // from 1 in each generation, without gaps
    std::uint64_t batch_sequence = 0;  // sequence of the first frame that was not known to be durable then
    std::uint64_t content_size = 0;
    std::uint64_t content_hash = 0;
    std::uint64_t envelope_hash = 0;
    std::uint32_t envelope_size = 0;
    std::uint32_t marks_offset = 0;  // relative to the segment's mark area
    std::uint32_t marks_count = 0;   // 1 + number of recipients
    std::uint32_t reserved = 0;
};
static_assert(sizeof(FrameHeader) == 72);

struct FileHeader {
    std::array<char, 8> magic{'P', 'H', 'A', 'M', 'S', 'G', '1', '\n'};
    std::uint32_t version = format_version;
    std::uint32_t checksum = 0;  // of this structure with checksum = 0
    std::uint64_t content_offset = 0;
    std::uint64_t content_size = 0;
    std::uint64_t content_hash = 0;
    std::uint64_t envelope_hash = 0;
    std::uint64_t marks_offset = 0;
    std::uint32_t envelope_size = 0;
    std::uint32_t marks_count = 0;
};
static_assert(sizeof(FileHeader) == 64);
inline constexpr std::size_t file_header_size = 256;

// XXH3, 64 bits.
std::uint64_t hash_of(std::string_view bytes);

// Sets / checks the checksum member of one of the headers above.
template<class Header>
std::uint32_t checksum_of(Header header)
{
    header.checksum = 0;
    return static_cast<std::uint32_t>(hash_of({reinterpret_cast<const char*>(&header), sizeof header}));
}

// Whether this is no damage but the work of a release that comes after this one: it is left alone, and nothing in it is
// believed. The magic and the place of the version are the same in every format.
template<class Header>
bool is_of_newer_release(const Header& header)
{
    return header.magic == Header{}.magic && header.version > format_version;
}
// Unsupported, with the version.
std::unexpected<Error> newer_release(const std::string& path, std::uint32_t version);

template<class Header>
std::string_view bytes_of(const Header& header)
{
    return {reinterpret_cast<const char*>(&header), sizeof header};
}

inline constexpr std::size_t max_recipients = 10'000'000;

// A place among the recipients of an encoded envelope, from which reading goes on.
struct RecipientPosition {
    std::size_t index = 0;
    std::size_t offset = 0;  // of the record in the envelope
};

struct StoredEnvelope {
    Envelope envelope;
    ContentFacts facts;
    std::size_t recipient_count = 0;  // all of them
    RecipientPosition unread;         // the first that is not in envelope.recipients
};
std::string encode_envelope(const Envelope& envelope, const ContentFacts& facts);
// Corrupt: the bytes break the format. At most max_recipients recipients, and the first `most_recipients` in memory.
Result<StoredEnvelope> decode_envelope(std::string_view bytes, std::size_t most_recipients = max_recipients);
// Up to `most` further recipients; `position` moves behind them. Corrupt: the bytes break the format.
Result<std::vector<Recipient>> decode_recipients(std::string_view bytes, RecipientPosition& position, std::size_t most);

constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

}  // namespace posthaste::queue
