// segment.cc — see segment.h.
#include "queue/segment.h"

#include "base/text.h"
#include "queue/directory_walk.h"
#include "queue/locks.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace posthaste::queue {

namespace {

constexpr std::uint64_t header_copy_offset = 2048;
// One mark area byte for each 64 bytes of segment: 8 marks for a message of 512 bytes, 64 for one of 4 KiB.
constexpr std::uint64_t bytes_per_mark = 64;

bool is_valid(const SegmentHeader& header, std::uint64_t file_size)
{
    SegmentHeader expected;
    return header.magic == expected.magic && header.version == format_version &&
           header.checksum == checksum_of(header) && header.size == file_size && header.marks_offset >= block_size &&
           header.marks_size <= header.size && header.marks_offset <= header.size - header.marks_size &&
           header.frames_offset >= header.marks_offset + header.marks_size && header.frames_offset <= header.size;
}

Result<void> write_header(int fd, SegmentHeader& header)
{
    header.checksum = checksum_of(header);
    std::string block(block_size, '\0');
    std::memcpy(block.data(), &header, sizeof header);
    std::memcpy(block.data() + header_copy_offset, &header, sizeof header);
    return write_fully_at(fd, block, 0);
}

// In pieces that become small folios of the page cache: to write a mark, ext4 looks at every block of its folio, and
// with pieces of 1 MiB that costs three times as much.
Result<void> write_zeros(int fd, std::uint64_t offset, std::uint64_t count)
{
    // A constant: a process may end while a thread of its pool still writes.
    static constexpr std::array<char, std::size_t{64} << 10> zeros{};
    while (count > 0) {
        std::uint64_t piece = std::min<std::uint64_t>(count, zeros.size());
        TRY(write_fully_at(fd, std::string_view(zeros.data(), piece), static_cast<off_t>(offset)));
        offset += piece;
        count -= piece;
    }
    return {};
}

}  // namespace

std::string segment_path(const std::string& directory, std::uint64_t number)
{
    return fmt::format("{}/journal/{:08}", directory, number);
}

Result<std::vector<std::uint64_t>> list_segments(const std::string& directory)
{
    std::string path = directory + "/journal";
    std::vector<std::uint64_t> numbers;
    std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(path.c_str()), ::closedir);
    if (!stream) {
        if (errno == ENOENT)
            return numbers;
        return fail_errno("open " + path);
    }
    for (;;) {
        TRY(const dirent* entry, read_entry(stream.get(), path));
        if (entry == nullptr)
            break;
        if (std::string_view name(entry->d_name); name.size() == 8)
            if (auto number = parse_number<std::uint64_t>(name); number && *number <= largest_segment_number)
                numbers.push_back(*number);
    }
    std::ranges::sort(numbers);
    return numbers;
}

SegmentFile::SegmentFile(UniqueFd fd, const char* base, std::uint64_t size, std::uint64_t number)
    : fd_(std::move(fd)), base_(base), size_(size), number_(number)
{
}

SegmentFile::~SegmentFile() { ::munmap(const_cast<char*>(base_), size_); }

Result<std::shared_ptr<SegmentFile>> SegmentFile::open(const std::string& directory, std::uint64_t number)
{
    std::string path = segment_path(directory, number);
    TRY(UniqueFd fd, open_file(path, O_RDWR));
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0)
        return fail_errno("stat " + path);
    auto size = static_cast<std::uint64_t>(status.st_size);
    if (size < smallest_segment)
        return fail(ErrorKind::Corrupt, path + ": shorter than a segment");
    void* base = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (base == MAP_FAILED)
        return fail_errno("map " + path);
    auto file = std::make_shared<SegmentFile>(std::move(fd), static_cast<const char*>(base), size, number);
    TRY(file->header());
    return file;
}

Result<SegmentHeader> SegmentFile::header() const
{
    std::size_t newer = 0;
    SegmentHeader header;
    for (std::uint64_t offset : {std::uint64_t{0}, header_copy_offset}) {
        std::memcpy(&header, base_ + offset, sizeof header);
        if (is_valid(header, size_) && header.number == number_)
            return header;
        newer += is_of_newer_release(header) ? 1U : 0U;
    }
    if (newer == 2)
        return newer_release(fmt::format("journal/{:08}", number_), header.version);
    return fail(ErrorKind::Corrupt, fmt::format("journal/{:08}: damaged segment header", number_));
}

std::optional<FrameHeader> SegmentFile::frame_at(std::uint64_t offset, const SegmentHeader& header) const
{
    if (offset < header.frames_offset || offset % frame_alignment != 0 || offset + sizeof(FrameHeader) > size_)
        return std::nullopt;
    FrameHeader frame;
    std::memcpy(&frame, base_ + offset, sizeof frame);
    if (frame.magic != FrameHeader::magic_number || frame.generation != header.generation ||
        frame.checksum != checksum_of(frame))
        return std::nullopt;
    std::uint64_t room = size_ - offset - sizeof frame;
    if (frame.content_size > room || frame.envelope_size > room - frame.content_size || frame.marks_count == 0 ||
        frame.marks_offset > header.marks_size || frame.marks_count > header.marks_size - frame.marks_offset)
        return std::nullopt;
    return frame;
}

std::string_view SegmentFile::content(std::uint64_t offset, const FrameHeader& frame) const
{
    return {base_ + offset + sizeof frame, frame.content_size};
}

std::string_view SegmentFile::envelope(std::uint64_t offset, const FrameHeader& frame) const
{
    return {base_ + offset + sizeof frame + frame.content_size, frame.envelope_size};
}

bool SegmentFile::hashes_match(std::uint64_t offset, const FrameHeader& frame) const
{
    return hash_of(envelope(offset, frame)) == frame.envelope_hash &&
           hash_of(content(offset, frame)) == frame.content_hash;
}

std::string_view SegmentFile::marks(const FrameHeader& frame, const SegmentHeader& header) const
{
    return {base_ + header.marks_offset + frame.marks_offset, frame.marks_count};
}

Result<void> SegmentFile::set_mark(const FrameHeader& frame, const SegmentHeader& header, std::uint32_t index,
                                   std::uint8_t value)
{
    if (index >= frame.marks_count)
        return fail(ErrorKind::Invalid, "mark index out of range");
    char byte = static_cast<char>(value);
    return write_fully_at(fd_.get(), {&byte, 1}, static_cast<off_t>(header.marks_offset + frame.marks_offset + index));
}

Result<void> SegmentFile::sync()
{
    if (::fdatasync(fd_.get()) != 0)
        return fail_errno(fmt::format("fdatasync journal/{:08}", number_));
    return {};
}

bool SegmentFile::is_linked() const
{
    struct stat status{};
    return ::fstat(fd_.get(), &status) == 0 && status.st_nlink > 0;
}

std::uint64_t frame_end(std::uint64_t offset, const FrameHeader& frame)
{
    return align_up(offset + sizeof frame + frame.content_size + frame.envelope_size, frame_alignment);
}

namespace {

std::uint64_t fresh_generation()
{
    auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

// A Free segment becomes ours: lock, look again, zero the marks, new generation, one sync for both, and one for its
// name. A crash in between leaves a segment without a frame of its generation, which recovery retires again.
Result<std::optional<ClaimedSegment>> claim_existing(const std::string& directory, std::uint64_t number,
                                                     std::uint64_t size)
{
    auto file = SegmentFile::open(directory, number);
    if (!file)
        return std::optional<ClaimedSegment>();  // removed meanwhile or damaged: the queue manager's business
    auto header = (*file)->header();
    if (!header || header->state != SegmentState::Free || header->size != size)
        return std::optional<ClaimedSegment>();
    TRY(bool locked, try_lock_range((*file)->fd(), writer_lock_byte, LockMode::Exclusive));
    if (!locked)
        return std::optional<ClaimedSegment>();
    header = (*file)->header();
    if (!header || header->state != SegmentState::Free || !(*file)->is_linked())
        return std::optional<ClaimedSegment>();
    TRY(write_zeros((*file)->fd(), header->marks_offset, header->marks_size));
    header->generation += 1;
    header->state = SegmentState::InUse;
    TRY(write_header((*file)->fd(), *header));
    TRY((*file)->sync());
    // Who made it may have died before its name was durable: nobody was told 250 for it then, but would be now.
    TRY(sync_directory(directory + "/journal"));
    return std::optional(ClaimedSegment{std::move(*file), *header});
}

Result<ClaimedSegment> fill_new_segment(const std::string& directory, std::uint64_t number, UniqueFd fd,
                                        std::uint64_t size)
{
    std::string path = segment_path(directory, number);
    TRY(lock_range_wait(fd.get(), writer_lock_byte, LockMode::Exclusive));
    // Written, not only allocated: an overwrite of written blocks needs no metadata to become durable.
    TRY(write_zeros(fd.get(), 0, size));
    SegmentHeader header;
    header.number = number;
    header.generation = fresh_generation();
    header.size = size;
    header.marks_offset = block_size;
    header.marks_size = align_up(size / bytes_per_mark, block_size);
    header.frames_offset = header.marks_offset + header.marks_size;
    header.state = SegmentState::InUse;
    TRY(write_header(fd.get(), header));
    if (::fsync(fd.get()) != 0)
        return fail_errno("fsync " + path);
    // Before the first 250 from this segment its name must survive, too.
    TRY(sync_directory(directory + "/journal"));
    // The queue manager puts unfinished segments without a writer aside; it must not have taken this one for such.
    struct stat by_name{};
    struct stat by_descriptor{};
    if (::stat(path.c_str(), &by_name) != 0 || ::fstat(fd.get(), &by_descriptor) != 0 ||
        by_name.st_ino != by_descriptor.st_ino)
        return fail(ErrorKind::Temporary, path + ": was removed while it was made");
    void* base = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (base == MAP_FAILED)
        return fail_errno("map " + path);
    return ClaimedSegment{std::make_shared<SegmentFile>(std::move(fd), static_cast<const char*>(base), size, number),
                          header};
}

Result<ClaimedSegment> make_segment(const std::string& directory, std::uint64_t size)
{
    for (std::uint64_t number = 1; number <= largest_segment_number; ++number) {
        std::string path = segment_path(directory, number);
        if (::access(path.c_str(), F_OK) == 0)
            continue;
        auto fd = open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (!fd && fd.error().kind() == ErrorKind::Exists)
            continue;
        if (!fd)
            return fail(std::move(fd).error());
        auto claimed = fill_new_segment(directory, number, std::move(*fd), size);
        if (!claimed)
            ::unlink(path.c_str());
        return claimed;
    }
    return fail(ErrorKind::Limit, "journal: too many segments");
}

}  // namespace

Result<ClaimedSegment> claim_segment(const std::string& directory, std::uint64_t size)
{
    size = std::max(align_up(size, block_size), smallest_segment);
    std::string path = directory + "/journal";
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return fail_errno("mkdir " + path);
    TRY(auto numbers, list_segments(directory));
    for (std::uint64_t number : numbers) {
        TRY(auto claimed, claim_existing(directory, number, size));
        if (claimed)
            return std::move(*claimed);
    }
    return make_segment(directory, size);
}

Result<void> make_free_segment(const std::string& directory, std::uint64_t size)
{
    TRY(ClaimedSegment made, make_segment(directory, std::max(align_up(size, block_size), smallest_segment)));
    made.header.generation += 1;
    made.header.state = SegmentState::Free;
    TRY(write_header(made.file->fd(), made.header));
    return made.file->sync();
}

Result<bool> retire_segment(SegmentFile& file)
{
    TRY(bool locked, try_lock_range(file.fd(), writer_lock_byte, LockMode::Exclusive));
    if (!locked)
        return false;
    auto retired = [&]() -> Result<bool> {
        TRY(SegmentHeader header, file.header());
        // The marks say that everything here is dead: they must be on disk before the header says Free.
        TRY(file.sync());
        // Who holds a lock may still write a mark, which would be that of another message in a new generation. No new
        // lock is taken for what is dead.
        if (is_locked_by_other(file.fd(), header.frames_offset, header.size - header.frames_offset))
            return false;
        header.generation += 1;
        header.state = SegmentState::Free;
        TRY(write_header(file.fd(), header));
        TRY(file.sync());
        return true;
    }();
    unlock_range(file.fd(), writer_lock_byte);
    return retired;
}

}  // namespace posthaste::queue
