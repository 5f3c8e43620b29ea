// reader.cc — see reader.h.
#include "queue/reader.h"

#include "queue/locks.h"
#include "queue/queue_file.h"
#include "queue/segment.h"

#include <map>
#include <sys/stat.h>
#include <unordered_map>

namespace posthaste::queue {

namespace {

// A shared lock on one byte of an open file, counted: two deliveries of one message in this process share the open
// file, and the first to finish must not take the lock away from the other.
class SharedLocks {
public:
    Result<bool> take(int fd, std::uint64_t offset)
    {
        unsigned& count = counts_[{fd, offset}];
        if (count == 0) {
            auto locked = try_lock_range(fd, offset, LockMode::Shared);
            if (!locked || !*locked) {
                counts_.erase({fd, offset});
                return locked;
            }
        }
        ++count;
        return true;
    }
    void release(int fd, std::uint64_t offset)
    {
        auto entry = counts_.find({fd, offset});
        if (entry == counts_.end() || --entry->second > 0)
            return;
        counts_.erase(entry);
        unlock_range(fd, offset);
    }

private:
    std::map<std::pair<int, std::uint64_t>, unsigned> counts_;
};

}  // namespace

struct StoredMessage::State {
    virtual ~State() = default;
    [[nodiscard]] virtual std::string_view content() const = 0;
    [[nodiscard]] virtual std::string_view marks() const = 0;
    virtual Result<void> set_mark(std::uint32_t index, std::uint8_t value) = 0;
    virtual Result<void> sync_marks() = 0;
    [[nodiscard]] virtual bool still_valid() const = 0;

    StoredEnvelope stored;
};

namespace {

class JournalMessage final : public StoredMessage::State {
public:
    JournalMessage(std::shared_ptr<SegmentFile> file, std::shared_ptr<SharedLocks> locks, SegmentHeader header,
                   FrameHeader frame, std::uint64_t offset)
        : file_(std::move(file)), locks_(std::move(locks)), header_(header), frame_(frame), offset_(offset)
    {
    }
    ~JournalMessage() override { locks_->release(file_->fd(), offset_); }

    [[nodiscard]] std::string_view content() const override { return file_->content(offset_, frame_); }
    [[nodiscard]] std::string_view marks() const override { return file_->marks(frame_, header_); }
    Result<void> set_mark(std::uint32_t index, std::uint8_t value) override
    {
        return file_->set_mark(frame_, header_, index, value);
    }
    Result<void> sync_marks() override { return file_->sync(); }
    [[nodiscard]] bool still_valid() const override
    {
        auto header = file_->header();
        return header && header->generation == header_.generation;
    }

private:
    std::shared_ptr<SegmentFile> file_;
    std::shared_ptr<SharedLocks> locks_;
    SegmentHeader header_;
    FrameHeader frame_;
    std::uint64_t offset_;
};

class FileMessage final : public StoredMessage::State {
public:
    explicit FileMessage(std::shared_ptr<FileReader> file) : file_(std::move(file)) {}

    // The lock belongs to this open file alone and goes with it.
    [[nodiscard]] std::string_view content() const override { return file_->content(); }
    [[nodiscard]] std::string_view marks() const override { return file_->marks(); }
    Result<void> set_mark(std::uint32_t index, std::uint8_t value) override { return file_->set_mark(index, value); }
    Result<void> sync_marks() override
    {
        return ::fdatasync(file_->fd()) == 0 ? Result<void>() : fail_errno("fdatasync");
    }
    // Moving a file needs the exclusive lock; removing it by hand needs nothing, and leaves it without a name.
    [[nodiscard]] bool still_valid() const override
    {
        struct stat status{};
        return ::fstat(file_->fd(), &status) == 0 && status.st_nlink > 0;
    }

private:
    std::shared_ptr<FileReader> file_;
};

std::unexpected<Error> gone(const MessageRef& ref)
{
    return fail(ErrorKind::NotFound, "message " + ref.queue_id + " is no longer there");
}

std::unexpected<Error> damaged(const MessageRef& ref)
{
    return fail(ErrorKind::Corrupt, "message " + ref.queue_id + " is damaged (" + ref.text() + ")");
}

}  // namespace

StoredMessage::StoredMessage(std::shared_ptr<State> state) : state_(std::move(state)) {}
const Envelope& StoredMessage::envelope() const { return state_->stored.envelope; }
const ContentFacts& StoredMessage::facts() const { return state_->stored.facts; }
std::string_view StoredMessage::content() const { return state_->content(); }
MessageMark StoredMessage::message_mark() const { return static_cast<MessageMark>(state_->marks()[0]); }
bool StoredMessage::still_valid() const { return state_->still_valid(); }

RecipientMark StoredMessage::mark(std::size_t recipient) const
{
    return static_cast<RecipientMark>(state_->marks()[1 + recipient]);
}

Result<void> StoredMessage::set_mark(std::size_t recipient, RecipientMark mark)
{
    return state_->set_mark(static_cast<std::uint32_t>(1 + recipient), static_cast<std::uint8_t>(mark));
}

Result<void> StoredMessage::sync_marks() { return state_->sync_marks(); }

struct Reader::Impl {
    explicit Impl(QueueOptions queue_options) : options(std::move(queue_options)) {}

    Result<std::shared_ptr<SegmentFile>> segment(std::uint64_t number);
    Result<std::shared_ptr<StoredMessage::State>> open_journal(const MessageRef& ref);
    Result<std::shared_ptr<StoredMessage::State>> open_file_message(const MessageRef& ref);

    QueueOptions options;
    std::shared_ptr<SharedLocks> locks = std::make_shared<SharedLocks>();
    std::unordered_map<std::uint64_t, std::shared_ptr<SegmentFile>> segments;
    // Open messages with several recipients, by MessageRef::text(): each of a thousand deliveries of one message would
    // otherwise decode a thousand recipients and verify the whole content.
    std::unordered_map<std::string, std::weak_ptr<StoredMessage::State>> shared;
};

Reader::Reader(QueueOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Reader::~Reader() = default;

Result<std::shared_ptr<SegmentFile>> Reader::Impl::segment(std::uint64_t number)
{
    auto known = segments.find(number);
    if (known != segments.end())
        return known->second;
    TRY(auto file, SegmentFile::open(options.directory, number));
    segments[number] = file;
    return file;
}

Result<std::shared_ptr<StoredMessage::State>> Reader::Impl::open_journal(const MessageRef& ref)
{
    TRY(auto file, segment(ref.segment));
    TRY(SegmentHeader header, file->header());
    if (header.generation != ref.generation && !file->is_linked()) {
        // The segment was removed and its number is in use again.
        segments.erase(ref.segment);
        TRY(file, segment(ref.segment));
        TRY(header, file->header());
    }
    if (header.generation != ref.generation)
        return gone(ref);
    TRY(bool locked, locks->take(file->fd(), ref.offset));
    if (!locked)
        return fail(ErrorKind::Temporary, "message " + ref.queue_id + " is being moved or removed");
    auto release = [&] { locks->release(file->fd(), ref.offset); };
    // Between the first look and the lock the place may have been recycled: look again.
    auto now = file->header();
    auto frame = file->frame_at(ref.offset, header);
    if (!now || now->generation != ref.generation || !frame) {
        release();
        if (now && now->generation == ref.generation)
            return damaged(ref);
        return gone(ref);
    }
    if (!is_live(static_cast<MessageMark>(file->marks(*frame, header)[0]))) {
        release();
        return gone(ref);
    }
    auto message = std::make_shared<JournalMessage>(file, locks, header, *frame, ref.offset);
    if (!file->hashes_match(ref.offset, *frame))
        return damaged(ref);
    TRY(message->stored, decode_envelope(file->envelope(ref.offset, *frame)));
    if (message->stored.envelope.recipients.size() + 1 != frame->marks_count)
        return damaged(ref);
    return message;
}

Result<std::shared_ptr<StoredMessage::State>> Reader::Impl::open_file_message(const MessageRef& ref)
{
    auto file = FileReader::open(options.directory, queue_file_path(options, ref.queue, ref.queue_id));
    if (!file && file.error().kind() == ErrorKind::NotFound)
        return gone(ref);
    if (!file)
        return fail(std::move(file).error());
    TRY(bool locked, try_lock_range((*file)->fd(), file_lock_byte, LockMode::Shared));
    if (!locked)
        return fail(ErrorKind::Temporary, "message " + ref.queue_id + " is being moved or removed");
    auto message = std::make_shared<FileMessage>(*file);
    if (!is_live(static_cast<MessageMark>((*file)->marks()[0])))
        return gone(ref);
    if (!(*file)->envelope_is_intact() || !(*file)->content_is_intact())
        return damaged(ref);
    TRY(message->stored, decode_envelope((*file)->envelope()));
    if (message->stored.envelope.recipients.size() + 1 != (*file)->header().marks_count)
        return damaged(ref);
    return message;
}

Result<StoredMessage> Reader::open(const MessageRef& ref)
{
    if (!impl_->shared.empty())
        if (auto known = impl_->shared.find(ref.text()); known != impl_->shared.end())
            if (auto state = known->second.lock(); state && state->still_valid())
                return StoredMessage(std::move(state));
    TRY(auto state, ref.queue == QueueName::Journal ? impl_->open_journal(ref) : impl_->open_file_message(ref));
    if (state->stored.envelope.recipients.size() > 1) {
        std::erase_if(impl_->shared, [](const auto& entry) { return entry.second.expired(); });
        impl_->shared.insert_or_assign(ref.text(), state);
    }
    return StoredMessage(std::move(state));
}

}  // namespace posthaste::queue
