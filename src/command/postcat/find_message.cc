// find_message.cc — see find_message.h.
#include "command/postcat/find_message.h"

#include "base/fd.h"
#include "base/text.h"
#include "intake/maildrop.h"
#include "queue/marks.h"
#include "queue/postfix_file.h"
#include "queue/queue_file.h"
#include "queue/queue_id.h"
#include "queue/scan.h"
#include "queue/segment.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <sys/mman.h>
#include <sys/stat.h>

namespace posthaste::command::postcat {

namespace {

Result<FoundMessage> from_queue_file(const queue::FileReader& file, std::string place)
{
    if (!file.envelope_is_intact())
        return fail(ErrorKind::Corrupt, place + ": damaged envelope");
    TRY(queue::StoredEnvelope stored, queue::decode_envelope(file.envelope()));
    return FoundMessage{std::move(place),
                        std::move(stored.envelope),
                        stored.facts,
                        std::string(file.marks().substr(1)),
                        std::string(file.content()),
                        file.header().content_offset,
                        file.header().content_offset + file.header().content_size,
                        file.header().marks_offset + 1,
                        {}};
}

// Where a netstring's text begins; `at` is where its length does.
std::uint64_t behind_colon(std::string_view bytes, std::uint64_t at) { return bytes.find(':', at) + 1; }

// Who submitted and when is known from the file alone: its modification time is the arrival.
Result<FoundMessage> from_submission(std::string_view bytes, std::string place, std::int64_t arrival_seconds)
{
    intake::SubmissionReader reader;
    reader.feed(bytes);
    TRY(auto submission, reader.envelope());
    if (!submission)
        return fail(ErrorKind::Invalid, place + ": input is not a valid queue file");
    FoundMessage message;
    message.place = std::move(place);
    message.envelope.origin = queue::Origin::Sendmail;
    intake::fill_envelope(message.envelope, *submission);
    message.envelope.arrival_seconds = arrival_seconds;
    // Netstrings, one behind the other: the envelope, then pieces of content.
    std::uint64_t at = intake::maildrop_magic.size();
    message.envelope_offset = behind_colon(bytes, at);
    at = message.envelope_offset +
         parse_number<std::uint64_t>(bytes.substr(at, message.envelope_offset - 1 - at)).value_or(0) + 1;
    for (;;) {
        TRY(auto piece, reader.piece());
        if (!piece)
            break;
        message.pieces.emplace_back(message.content.size(), behind_colon(bytes, at));
        message.content.append(*piece);
        at = message.pieces.back().second + piece->size() + 1;
    }
    message.content_offset = message.pieces.empty() ? at : message.pieces.front().second;
    message.facts.size = message.content.size();
    for (std::string_view line : split(message.content, "\n"))
        message.facts.long_line_size +=
            queue::ContentFacts::record_excess(line.size() - (line.ends_with('\r') ? 1 : 0));
    message.recipient_marks.assign(message.envelope.recipients.size(), '\0');
    return message;
}

// Left by a Postfix, and not taken over yet.
Result<FoundMessage> from_postfix_file(std::string_view bytes, std::string place)
{
    FoundMessage message;
    auto read = queue::read_postfix_file(bytes, [&](std::string_view piece) -> Result<void> {
        message.content += piece;
        return {};
    });
    if (!read)
        return fail(std::move(read).error().in(place));
    message.place = std::move(place);
    message.envelope = std::move(read->envelope);
    message.envelope.queue_id = message.place.substr(message.place.rfind('/') + 1);
    message.facts = read->facts;
    message.content_offset = read->content_offset;
    message.recipient_marks.assign(message.envelope.recipients.size(), '\0');
    for (queue::PostfixRecipient& done : read->done) {
        message.envelope.recipients.push_back(std::move(done.recipient));
        message.recipient_marks.push_back(static_cast<char>(queue::RecipientMark::Done));
    }
    return message;
}

Result<std::string> read_all(int fd)
{
    std::string bytes;
    for (;;) {
        char buffer[65536];
        ssize_t got = ::read(fd, buffer, sizeof buffer);
        if (got == 0)
            return bytes;
        if (got < 0 && errno != EINTR)
            return fail_errno("read");
        if (got > 0)
            bytes.append(buffer, static_cast<std::size_t>(got));
    }
}

// The reader of queue files wants a file with the mode of a complete one: that is what it gets, in memory.
Result<FoundMessage> from_copy(std::string_view bytes, std::string place)
{
    UniqueFd copy(::memfd_create("postcat", MFD_CLOEXEC));
    if (!copy || ::fchmod(copy.get(), queue::mode_complete) != 0)
        return fail_errno("memfd_create");
    TRY(write_fully(copy.get(), bytes));
    auto file = queue::FileReader::open("/proc/self/fd", std::to_string(copy.get()));
    if (!file)
        return fail(ErrorKind::Invalid, place + ": input is not a valid queue file");
    return from_queue_file(**file, std::move(place));
}

Result<std::optional<FoundMessage>> find_file(const queue::QueueOptions& options, const std::string& queue_id)
{
    using queue::QueueName;
    for (QueueName name : {QueueName::Maildrop, QueueName::Incoming, QueueName::Active, QueueName::Deferred,
                           QueueName::Hold, QueueName::Corrupt}) {
        std::string path = queue::queue_file_path(options, name, queue_id);
        auto fd = open_file(options.directory + "/" + path, O_RDONLY);
        if (!fd && fd.error().kind() == ErrorKind::NotFound)
            continue;
        if (!fd)
            return fail(std::move(fd).error());
        struct stat status{};
        if (::fstat(fd->get(), &status) != 0)
            return fail_errno("stat " + path);
        // Being written, or left by a writer that died: the message is still elsewhere, or was never accepted.
        if (name != QueueName::Maildrop && !queue::is_complete(status.st_mode))
            continue;
        TRY(FoundMessage message, read_message(fd->get(), path));
        return std::move(message);
    }
    return std::nullopt;
}

bool is_this(std::string_view encoded_envelope, const std::string& queue_id)
{
    // Most frames are other messages: their envelopes need not be decoded.
    if (encoded_envelope.find(queue_id) == std::string_view::npos)
        return false;
    auto stored = queue::decode_envelope(encoded_envelope);
    return stored && stored->envelope.queue_id == queue_id;
}

// Also behind damage: the queue manager goes on there, too.
std::optional<queue::ScannedFrame> next_frame(const queue::SegmentFile& file, const queue::SegmentHeader& header,
                                              queue::ScanPosition& position)
{
    if (auto scanned = queue::scan_next(file, header, position, header.size, false))
        return scanned;
    auto behind = queue::find_behind_damage(file, header, position);
    if (!behind)
        return std::nullopt;
    position = behind->position;
    return queue::scan_next(file, header, position, header.size, false);
}

std::optional<FoundMessage> find_in_segment(const queue::SegmentFile& file, const queue::SegmentHeader& header,
                                            const std::string& queue_id)
{
    queue::ScanPosition position{.offset = header.frames_offset};
    while (auto scanned = next_frame(file, header, position)) {
        const queue::FrameHeader& frame = scanned->frame;
        std::string marks(file.marks(frame, header));
        if (!queue::is_live(static_cast<queue::MessageMark>(marks[0])))
            continue;
        std::string envelope(file.envelope(scanned->offset, frame));
        if (!is_this(envelope, queue_id))
            continue;
        std::string content(file.content(scanned->offset, frame));
        auto now = file.header();
        if (!now || now->generation != header.generation || queue::hash_of(envelope) != frame.envelope_hash)
            return std::nullopt;  // delivered meanwhile, and the place used again
        auto stored = queue::decode_envelope(envelope);
        if (!stored)
            return std::nullopt;
        return FoundMessage{fmt::format("journal/{:08}/{}", file.number(), queue_id),
                            std::move(stored->envelope),
                            stored->facts,
                            marks.substr(1),
                            std::move(content),
                            scanned->offset + sizeof frame,
                            scanned->offset + sizeof frame + frame.content_size,
                            header.marks_offset + frame.marks_offset + 1,
                            {}};
    }
    return std::nullopt;
}

Result<std::optional<FoundMessage>> find_in_journal(const queue::QueueOptions& options, const std::string& queue_id)
{
    TRY(auto numbers, queue::list_segments(options.directory));
    for (std::uint64_t number : numbers) {
        auto file = queue::SegmentFile::open(options.directory, number);
        if (!file && file.error().kind() == ErrorKind::Denied)
            return fail(std::move(file).error());
        if (!file)
            continue;  // being made, or removed
        auto header = (*file)->header();
        if (!header || header->state != queue::SegmentState::InUse)
            continue;
        if (auto message = find_in_segment(**file, *header, queue_id))
            return message;
    }
    return std::nullopt;
}

}  // namespace

std::uint64_t FoundMessage::offset_of(std::uint64_t position) const
{
    auto behind = std::ranges::upper_bound(pieces, position, {}, &std::pair<std::uint64_t, std::uint64_t>::first);
    if (behind == pieces.begin())
        return content_offset + position;
    const auto& [begin, offset] = *std::prev(behind);
    return offset + (position - begin);
}

Result<FoundMessage> find_message(const queue::QueueOptions& options, const std::string& queue_id)
{
    if (queue::is_queue_id(queue_id)) {
        TRY(auto file, find_file(options, queue_id));
        if (file)
            return std::move(*file);
        TRY(auto journaled, find_in_journal(options, queue_id));
        if (journaled)
            return std::move(*journaled);
        TRY(auto moved, find_file(options, queue_id));  // it may have left the journal in between
        if (moved)
            return std::move(*moved);
    }
    return fail(ErrorKind::NotFound, std::strerror(ENOENT));
}

Result<FoundMessage> read_message(const std::string& path)
{
    TRY(UniqueFd fd, open_file(path, O_RDONLY));
    return read_message(fd.get(), path);
}

Result<FoundMessage> read_message(int fd, std::string place)
{
    struct stat status{};
    if (::fstat(fd, &status) != 0)
        return fail_errno("stat " + place);
    TRY(std::string bytes, read_all(fd));
    if (bytes.empty())
        return fail(ErrorKind::Closed, place + ": empty");
    if (bytes.starts_with(intake::maildrop_magic))
        return from_submission(bytes, std::move(place), status.st_mtime);
    if (queue::postfix_kind(bytes) != queue::PostfixKind::None)
        return from_postfix_file(bytes, std::move(place));
    return from_copy(bytes, std::move(place));
}

}  // namespace posthaste::command::postcat
