// store.cc — finding and loading messages.
#include "queue/store.h"

#include "base/text.h"
#include "log/log.h"
#include "queue/directory_walk.h"
#include "queue/leftovers.h"
#include "queue/locks.h"
#include "queue/postfix_import.h"
#include "queue/store_impl.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <utility>

namespace posthaste::queue {

namespace {

constexpr std::array<std::string_view, 6> queue_directories{"journal",  "incoming", "active",
                                                            "deferred", "hold",     "corrupt"};

bool all_done(std::string_view recipient_marks)
{
    return std::ranges::all_of(recipient_marks,
                               [](char mark) { return mark == static_cast<char>(RecipientMark::Done); });
}

// All is done: the queue manager may still owe a report. Of recipients that were not read it is not known.
bool may_want_report(const LoadedMessage& message)
{
    return wants_report_of_success(message.envelope) || message.marks.size() > message.envelope.recipients.size();
}

std::vector<RecipientMark> recipient_marks(std::string_view marks)
{
    std::vector<RecipientMark> result;
    result.reserve(marks.size() - 1);
    for (char mark : marks.substr(1))
        result.push_back(static_cast<RecipientMark>(mark));
    return result;
}

}  // namespace

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(QueueOptions options)
{
    auto impl = std::make_unique<Impl>(std::move(options));
    for (std::string_view directory : queue_directories) {
        std::string path = impl->options.directory + "/" + std::string(directory);
        if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
            return fail_errno("mkdir " + path);
    }
    TRY(impl->scheduler_lock, posthaste::open_file(impl->options.directory + "/journal/scheduler", O_RDWR | O_CREAT));
    TRY(bool locked, try_lock_range(impl->scheduler_lock.get(), 0, LockMode::Exclusive));
    if (!locked)
        return fail(ErrorKind::Exists, "another process schedules this queue");
    remove_unfinished_conversions(impl->options);
    // What the last queue manager wrote and did not live to sync is believed from now on: it must be durable.
    TRY(sync_file_system(impl->options.directory));
    TRY(impl->positions, Positions::open(impl->options.directory));
    impl->flow = impl->positions->flow();
    if (impl->flow != nullptr)
        impl->flow->is_counted.store(1, std::memory_order_relaxed);
    TRY(impl->discover_segments());
    // What a living writer appends from now on cannot have been moved by an earlier queue manager.
    for (auto& [number, segment] : impl->segments) {
        Positions::View view = impl->positions->view(number);
        bool written = is_locked_by_other(segment.file->fd(), writer_lock_byte);
        if (!written)
            segment.check_files_until = segment.header.size;
        else if (view.generation == segment.header.generation)
            segment.check_files_until = view.durable_end;
    }
    return std::unique_ptr<Store>(new Store(std::move(impl)));
}

bool Store::is_recovered() const { return impl_->recovered; }

bool Store::Impl::journal_is_read() const
{
    return std::ranges::all_of(segments, [](const auto& entry) {
        const KnownSegment& segment = entry.second;
        return segment.header.state != SegmentState::InUse || segment.read_to_end ||
               segment.scan.offset >= segment.check_files_until;
    });
}

Result<void> Store::Impl::discover_segments()
{
    TRY(auto numbers, list_segments(options.directory));
    for (std::uint64_t number : numbers)
        TRY(refresh(number));
    last_discovery = net::Clock::now();
    return {};
}

// Opens a segment that is new, or takes notice of a new generation of a known one.
Result<void> Store::Impl::refresh(std::uint64_t number)
{
    auto known = segments.find(number);
    if (known != segments.end() && !known->second.file->is_linked()) {
        segments.erase(known);
        known = segments.end();
    }
    if (known == segments.end()) {
        auto file = SegmentFile::open(options.directory, number);
        if (!file && file.error().kind() == ErrorKind::Corrupt) {
            // Being made by a writer right now, or left half made by one that died: see store_upkeep.cc.
            return {};
        }
        if (!file && file.error().kind() == ErrorKind::NotFound)
            return {};
        if (!file && file.error().kind() == ErrorKind::Unsupported) {
            if (newer_segments.insert(number).second)
                log::error("{}", file.error().text());
            return {};
        }
        if (!file)
            return fail(std::move(file).error());
        KnownSegment segment;
        segment.file = std::move(*file);
        known = segments.emplace(number, std::move(segment)).first;
    }
    KnownSegment& segment = known->second;
    TRY(SegmentHeader header, segment.file->header());
    if (header.generation == segment.header.generation)
        return {};
    if (segment.live > 0)
        panic(fmt::format("journal/{:08} was recycled with {} live messages", number, segment.live));
    auto file = segment.file;
    segment = KnownSegment{};
    segment.file = std::move(file);
    segment.header = header;
    segment.scan.offset = header.frames_offset;
    return {};
}

Result<std::vector<LoadedMessage>> Store::next(std::size_t most, RecipientBudget budget)
{
    impl_->budget = budget;
    const std::uint64_t committed = impl_->committed();
    TRY(auto found, read_on(most));
    impl_->count_taken(committed, found.size() < most ? Impl::Read::All : Impl::Read::Some, found.size());
    return std::move(found);
}

std::uint64_t Store::Impl::committed() const { return flow ? flow->committed.load(std::memory_order_relaxed) : 0; }

// in_flow.h. `committed` is from before the reading. When everything has been read, what was not counted is made good:
// by a writer that was killed, or what was read for a second time after a restart.
void Store::Impl::count_taken(std::uint64_t committed_before, Read read, std::size_t found) const
{
    if (flow == nullptr)
        return;
    const std::uint64_t counted = flow->taken.load(std::memory_order_relaxed) + found;
    flow->taken.store(read == Read::All ? committed_before : std::min(counted, committed()), std::memory_order_relaxed);
}

// A slot's generation tells of a claim at once; a segment with a number never seen is found by its neighbour slot.
Result<void> Store::Impl::notice_claims()
{
    if (net::Clock::now() - last_discovery > std::chrono::seconds(5))
        TRY(discover_segments());
    std::uint64_t highest = segments.empty() ? 0 : segments.rbegin()->first;
    for (std::uint64_t number = 1; number <= highest + 8; ++number) {
        std::uint64_t generation = positions->view(number).generation;
        auto known = segments.find(number);
        if (generation != 0 && (known == segments.end() || known->second.header.generation < generation))
            TRY(refresh(number));
    }
    return {};
}

Result<std::vector<LoadedMessage>> Store::read_on(std::size_t most)
{
    std::vector<LoadedMessage> found;
    found.reserve(std::min<std::size_t>(most, 64));
    TRY(impl_->notice_claims());
    for (auto& [number, segment] : impl_->segments) {
        if (found.size() >= most)
            return found;
        TRY(impl_->read_segment(segment, most, found));
    }
    if (found.size() >= most)
        return found;
    // What has been taken from the journal counts as read and is not found again: it must not go with an error here.
    if (auto read = impl_->read_incoming(most, found); !read) {
        if (found.empty())
            return fail(std::move(read).error());
        log::warning("queue: {}", read.error().text());
    }
    return found;
}

Result<void> Store::Impl::read_segment(KnownSegment& segment, std::size_t most, std::vector<LoadedMessage>& found)
{
    if (segment.header.state != SegmentState::InUse || segment.read_to_end)
        return {};
    Positions::View view = positions->view(segment.header.number);
    bool published = view.generation == segment.header.generation;
    std::uint64_t durable_end = published ? view.durable_end : segment.header.frames_offset;
    if (published && view.sealed)
        segment.writer_gone = true;
    while (found.size() < most) {
        std::uint64_t limit = segment.writer_gone ? segment.header.size : durable_end;
        // What was there before this queue manager is verified as a whole: after a power cut positions mean nothing.
        bool verify = segment.scan.offset >= durable_end || segment.scan.offset < segment.check_files_until;
        auto scanned = scan_next(*segment.file, segment.header, segment.scan, limit, verify);
        if (scanned) {
            if (segment.taken_early.erase(scanned->offset) == 0)
                take_frame(segment, *scanned, found);
            continue;
        }
        if (!segment.writer_gone)
            return {};
        if (!skip_damage(segment, published ? view.durable_end : 0)) {
            segment.read_to_end = true;
            return {};
        }
    }
    return {};
}

// False: nothing follows. `durable_end` is what the writer published; after the death of a process it is the truth,
// after a power cut it may be older.
bool Store::Impl::skip_damage(KnownSegment& segment, std::uint64_t durable_end)
{
    const std::uint64_t from = segment.scan.offset;
    auto behind = find_behind_damage(*segment.file, segment.header, segment.scan);
    if ((behind && behind->in_later_batch) || durable_end > from)
        static_cast<void>(save_damage(segment, from, behind ? behind->position.offset : durable_end));
    else if (behind || segment.file->frame_at(align_up(from, block_size), segment.header))
        log::info("journal/{:08}: unfinished mail at byte {} is dropped: its client was not told that it was accepted",
                  segment.header.number, from);
    if (behind)
        segment.scan = behind->position;
    return behind.has_value();
}

// A frame becomes a message to deliver, unless nothing is owed for it any more.
void Store::Impl::take_frame(KnownSegment& segment, const ScannedFrame& scanned, std::vector<LoadedMessage>& found)
{
    const FrameHeader& frame = scanned.frame;
    std::string_view marks = segment.file->marks(frame, segment.header);
    auto bury_frame = [&](MessageMark mark) {
        if (auto set = segment.file->set_mark(frame, segment.header, 0, static_cast<std::uint8_t>(mark)); !set)
            log::warning("journal/{:08}: {}", segment.header.number, set.error().text());
        segment.marks_dirty = true;
    };
    switch (static_cast<MessageMark>(marks[0])) {
    case MessageMark::Live:
    case MessageMark::Expired: break;
    case MessageMark::Dead:
    case MessageMark::Moved: return;
    }
    const bool served = all_done(marks.substr(1));
    const RecipientBudget budget_before = budget;
    auto message = load_frame(segment, scanned.offset, frame);
    if (served && (!message || !may_want_report(*message))) {
        budget = budget_before;
        bury_frame(MessageMark::Dead);
        return;
    }
    if (!message) {
        if (save_damage(segment, scanned.offset, frame_end(scanned.offset, frame)))
            bury_frame(MessageMark::Dead);
        return;
    }
    if (scanned.offset < segment.check_files_until && has_complete_file(message->ref.queue_id)) {
        bury_frame(MessageMark::Moved);
        return;
    }
    ++segment.live;
    segment.marks_dirty = true;
    found.push_back(std::move(*message));
}

Result<LoadedMessage> Store::Impl::load_frame(const KnownSegment& segment, std::uint64_t offset,
                                              const FrameHeader& frame)
{
    std::string_view envelope = segment.file->envelope(offset, frame);
    if (hash_of(envelope) != frame.envelope_hash)
        return fail(ErrorKind::Corrupt, "damaged envelope");
    auto stored = decode(envelope);
    if (!stored)
        return fail(std::move(stored).error());
    if (stored->recipient_count + 1 != frame.marks_count)
        return fail(ErrorKind::Corrupt, "recipients and marks disagree");
    // Envelopes are large: moving one costs as much as routing an address.
    Result<LoadedMessage> message;
    message->ref.segment = segment.header.number;
    message->ref.generation = segment.header.generation;
    message->ref.offset = offset;
    message->ref.queue_id = stored->envelope.queue_id;
    message->envelope = std::move(stored->envelope);
    message->facts = stored->facts;
    const std::string_view marks = segment.file->marks(frame, segment.header);
    message->marks = recipient_marks(marks);
    message->expired = static_cast<MessageMark>(marks[0]) == MessageMark::Expired;
    message->unread = stored->unread;
    return message;
}

Result<StoredEnvelope> Store::Impl::decode(std::string_view envelope)
{
    auto stored = decode_envelope(envelope, std::max(budget.left, budget.least));
    if (stored)
        budget.left -= std::min(budget.left, stored->envelope.recipients.size());
    return stored;
}

// After a crash between "file synced" and "Moved mark synced" both copies exist: the complete file wins. A file
// that is not complete is void: the journal still has the message.
bool Store::Impl::has_complete_file(const std::string& queue_id)
{
    for (QueueName queue : {QueueName::Deferred, QueueName::Hold, QueueName::Active}) {
        auto file = FileReader::open(options.directory, queue_file_path(options, queue, queue_id));
        if (!file && file.error().kind() == ErrorKind::NotFound)
            continue;
        if (file && (*file)->envelope_is_intact() && (*file)->content_is_intact())
            return true;
        if (is_postfix_queue_file(full_path(queue, queue_id)))
            continue;  // another message, of a Postfix before us, that happens to have this id
        if (!file && file.error().kind() == ErrorKind::Unsupported)
            continue;  // a newer release's: nobody knows here whether it is whole
        ::unlink(full_path(queue, queue_id).c_str());
    }
    return false;
}

// Logged, whether or not the copy can be made.
Result<void> Store::Impl::save_damage(const KnownSegment& segment, std::uint64_t from, std::uint64_t to)
{
    std::string name =
        fmt::format("corrupt/journal-{:08}-{}-{}", segment.header.number, segment.header.generation, from);
    std::string bytes(to - from, '\0');
    auto got = read_fully_at(segment.file->fd(), bytes, static_cast<off_t>(from));
    auto saved = got ? replace_file(options.directory + "/" + name, bytes, 0600) : fail(std::move(got).error());
    log::error("journal/{:08}: damage at bytes {} to {}, copied to {}{}", segment.header.number, from, to, name,
               saved ? "" : " (failed: " + saved.error().text() + ")");
    return saved;
}

Result<void> Store::for_each_file(QueueName queue, const std::function<void(const FileEntry&)>& callback)
{
    return for_each_file_below(impl_->options, name(queue), [&](const WalkedFile& file) {
        // Being written at this moment by move(), or by a writer whose message is to be held; or left behind: see
        // has_complete_file(), leftovers.h.
        if (!is_complete(file.status.st_mode))
            return;
        callback({queue, file.queue_id, wall_time(file.status.st_mtim), static_cast<std::uint64_t>(file.status.st_size),
                  is_expired(file.status.st_mode)});
    });
}

bool Store::Impl::is_left_by_its_writer(const std::string& queue_id) const
{
    auto file = posthaste::open_file(full_path(QueueName::Incoming, queue_id), O_RDWR);
    struct stat status{};
    return file && ::fstat(file->get(), &status) == 0 && is_complete(status.st_mode) &&
           !is_locked_by_other(file->get(), file_lock_byte);
}

Result<void> Store::Impl::read_incoming(std::size_t most, std::vector<LoadedMessage>& found)
{
    std::string directory = options.directory + "/incoming";
    struct stat status{};
    if (::stat(directory.c_str(), &status) != 0)
        return fail_errno("stat " + directory);
    bool unchanged = status.st_mtim.tv_sec == incoming_seen.tv_sec && status.st_mtim.tv_nsec == incoming_seen.tv_nsec;
    if (unchanged && incoming_settled && !is_hashed(options, name(QueueName::Incoming)))
        return {};
    // A directory that changed within the clock's granularity may change again without a new time: look again later.
    incoming_settled = std::chrono::system_clock::now() - wall_time(status.st_mtim) > std::chrono::milliseconds(100);
    incoming_seen = status.st_mtim;

    std::vector<std::string> complete;
    auto walked = for_each_file_below(options, name(QueueName::Incoming), [&](const WalkedFile& file) {
        if (is_complete(file.status.st_mode)) {
            if (!newer_files.contains(file.queue_id))
                complete.push_back(file.queue_id);
            return;
        }
        incoming_settled = false;
        remove_if_left_behind(full_path(QueueName::Incoming, file.queue_id));
    });
    if (!walked)
        incoming_settled = false;  // what was not seen is looked for again
    for (const std::string& queue_id : complete) {
        if (found.size() >= most) {
            incoming_settled = false;
            return {};
        }
        // The writer keeps its lock until the file is durable: before that it must not be delivered.
        if (!is_left_by_its_writer(queue_id)) {
            incoming_settled = false;
            continue;
        }
        auto message = activate_file(QueueName::Incoming, queue_id);
        if (message) {
            found.push_back(std::move(*message));
        } else {
            log::warning("{}: {}", queue_id, message.error().text());
            if (message.error().kind() == ErrorKind::Unsupported)
                newer_files.insert(queue_id);
            incoming_settled = false;
        }
    }
    return walked;
}

Result<Store::Impl::Place> Store::Impl::find(const MessageRef& ref)
{
    auto known = segments.find(ref.segment);
    if (known == segments.end() || known->second.header.generation != ref.generation)
        return fail(ErrorKind::NotFound, "message " + ref.queue_id + " is no longer in the journal");
    auto frame = known->second.file->frame_at(ref.offset, known->second.header);
    if (!frame)
        return fail(ErrorKind::Corrupt, "message " + ref.queue_id + " is damaged (" + ref.text() + ")");
    return Place{&known->second, *frame};
}

std::string Store::Impl::full_path(QueueName queue, const std::string& queue_id) const
{
    return options.directory + "/" + queue_file_path(options, queue, queue_id);
}

Result<std::shared_ptr<FileReader>> Store::Impl::open_file(const MessageRef& ref)
{
    const std::string path = queue_file_path(options, ref.queue, ref.queue_id);
    auto file = FileReader::open(options.directory, path);
    if (file || !is_postfix_queue_file(options.directory + "/" + path))
        return file;
    TRY(convert_postfix_file(options, path, ref.queue_id));
    entry_changed(path);
    return FileReader::open(options.directory, path);
}

Result<LoadedMessage> Store::Impl::load_file(QueueName queue, const std::string& queue_id)
{
    MessageRef ref;
    ref.queue = queue;
    ref.queue_id = queue_id;
    auto loaded = [&]() -> Result<LoadedMessage> {
        TRY(auto file, open_file(ref));
        if (!file->envelope_is_intact())
            return fail(ErrorKind::Corrupt, "damaged envelope");
        TRY(StoredEnvelope stored, decode(file->envelope()));
        if (stored.recipient_count + 1 != file->header().marks_count || stored.envelope.queue_id != queue_id)
            return fail(ErrorKind::Corrupt, "envelope does not belong to this file");
        struct stat status{};
        const bool expired = ::fstat(file->fd(), &status) == 0 && is_expired(status.st_mode);
        return LoadedMessage{
            ref, std::move(stored.envelope), stored.facts, recipient_marks(file->marks()), stored.unread, expired};
    }();
    if (!loaded && loaded.error().kind() == ErrorKind::Corrupt) {
        auto moved = rename_file(queue, QueueName::Corrupt, queue_id);
        log::error("{}: {}: {}", queue_id, loaded.error().text(),
                   moved ? "moved to the corrupt queue" : moved.error().text());
    }
    if (loaded && queue == QueueName::Active)
        active_files.try_emplace(queue_file_path(options, queue, queue_id));
    return loaded;
}

// What cannot be loaded now, but perhaps later, goes back.
Result<LoadedMessage> Store::Impl::activate_file(QueueName from, const std::string& queue_id)
{
    TRY(rename_file(from, QueueName::Active, queue_id));
    auto message = load_file(QueueName::Active, queue_id);
    if (!message && message.error().kind() != ErrorKind::Corrupt)
        if (auto back = rename_file(QueueName::Active, from, queue_id); !back) {
            log::warning("{}: {}", queue_id, back.error().text());
            stranded.push_back({.queue = QueueName::Active, .queue_id = queue_id});
        }
    return message;
}

std::vector<MessageRef> Store::take_stranded() { return std::exchange(impl_->stranded, {}); }

Result<void> Store::Impl::rename_file(QueueName from, QueueName to, const std::string& queue_id)
{
    std::string target = queue_file_path(options, to, queue_id);
    std::string source = full_path(from, queue_id);
    std::string full_target = options.directory + "/" + target;
    bool renamed = ::rename(source.c_str(), full_target.c_str()) == 0;
    if (!renamed && errno == ENOENT) {
        TRY(make_parent_directories(options.directory, target));
        renamed = ::rename(source.c_str(), full_target.c_str()) == 0;
    }
    if (!renamed)
        return fail_errno("rename " + source + " to " + full_target);
    entry_changed(queue_file_path(options, from, queue_id));
    entry_changed(target);
    if (from == QueueName::Active)
        unsynced_files.insert(target);
    return {};
}

void Store::Impl::entry_changed(const std::string& path)
{
    active_files.erase(path);
    unsynced_files.erase(path);
    for (std::size_t slash = path.rfind('/'); slash != std::string::npos && slash > 0;
         slash = path.rfind('/', slash - 1))
        unsynced_directories.insert(path.substr(0, slash));
}

Result<std::vector<Recipient>> Store::read_recipients(const MessageRef& ref, RecipientPosition& position,
                                                      std::size_t most)
{
    if (ref.queue == QueueName::Journal) {
        TRY(Impl::Place place, impl_->find(ref));
        return decode_recipients(place.segment->file->envelope(ref.offset, place.frame), position, most);
    }
    TRY(auto file, impl_->open_file(ref));
    return decode_recipients(file->envelope(), position, most);
}

Result<LoadedMessage> Store::load(const MessageRef& ref, RecipientBudget budget)
{
    impl_->budget = budget;
    if (ref.queue != QueueName::Journal)
        return impl_->load_file(ref.queue, ref.queue_id);
    TRY(Impl::Place place, impl_->find(ref));
    return impl_->load_frame(*place.segment, ref.offset, place.frame);
}

bool Store::busy(const MessageRef& ref)
{
    if (ref.queue == QueueName::Journal) {
        if (impl_->moving.contains(ref.queue_id))
            return true;
        auto place = impl_->find(ref);
        return place && is_locked_by_other(place->segment->file->fd(), ref.offset);
    }
    auto file = posthaste::open_file(impl_->full_path(ref.queue, ref.queue_id), O_RDWR);
    return file && is_locked_by_other(file->get(), file_lock_byte);
}

Result<void> Store::is_all_readable() const
{
    if (impl_->newer_segments.empty())
        return {};
    return fail(ErrorKind::Unsupported, fmt::format("{} segments of the journal are of a newer release of this mail "
                                                    "system: install that release again",
                                                    impl_->newer_segments.size()));
}

std::size_t Store::live_in_journal() const
{
    std::size_t total = 0;
    for (const auto& [number, segment] : impl_->segments)
        total += segment.live;
    return total;
}

std::string Store::path_of(QueueName queue, const std::string& queue_id) const
{
    return queue_file_path(impl_->options, queue, queue_id);
}

}  // namespace posthaste::queue
