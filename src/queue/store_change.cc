// store_change.cc — changing the state of messages: bury, mark, move, quarantine.
//
// The order of syncs in move() is what keeps a survivor safe: its file is durable before the journal's copy is
// marked Moved, and the mark is durable before the file may be scheduled, changed or unlinked. A crash in between
// leaves both copies, and the complete file wins (store.cc, has_complete_file).
#include "log/log.h"
#include "net/tasks.h"
#include "queue/locks.h"
#include "queue/store.h"
#include "queue/store_impl.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <utility>

namespace posthaste::queue {

namespace {

std::unexpected<Error> busy_error(const MessageRef& ref)
{
    return fail(ErrorKind::Temporary, "message " + ref.queue_id + " is being delivered");
}

Result<void> set_file_time(const std::string& path, WallTime when)
{
    timespec times[2] = {file_time(when), file_time(when)};
    if (::utimensat(AT_FDCWD, path.c_str(), times, 0) != 0)
        return fail_errno("set time of " + path);
    return {};
}

}  // namespace

Result<void> Store::bury(const MessageRef& ref)
{
    if (ref.queue == QueueName::Journal) {
        if (impl_->moving.contains(ref.queue_id))
            return busy_error(ref);
        TRY(Impl::Place place, impl_->find(ref));
        KnownSegment& segment = *place.segment;
        auto mark = static_cast<MessageMark>(segment.file->marks(place.frame, segment.header)[0]);
        if (mark == MessageMark::Dead || mark == MessageMark::Moved)
            return {};  // it does not count as live any more
        segment.marks_dirty = true;
        TRY(segment.file->set_mark(place.frame, segment.header, 0, static_cast<std::uint8_t>(MessageMark::Dead)));
        --segment.live;
        return {};
    }
    std::string path = impl_->full_path(ref.queue, ref.queue_id);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return fail_errno("unlink " + path);
    impl_->entry_changed(path_of(ref.queue, ref.queue_id));
    return {};
}

Result<void> Store::set_marks(const MessageRef& ref, std::span<const std::size_t> recipients, RecipientMark mark)
{
    auto value = static_cast<std::uint8_t>(mark);
    if (ref.queue == QueueName::Journal) {
        TRY(Impl::Place place, impl_->find(ref));
        place.segment->marks_dirty = true;
        for (std::size_t recipient : recipients)
            TRY(place.segment->file->set_mark(place.frame, place.segment->header,
                                              static_cast<std::uint32_t>(1 + recipient), value));
        return {};
    }
    TRY(auto file, impl_->open_file(ref));
    for (std::size_t recipient : recipients)
        TRY(file->set_mark(static_cast<std::uint32_t>(1 + recipient), value));
    return {};
}

Result<void> Store::set_expired(const MessageRef& ref)
{
    if (ref.queue == QueueName::Journal) {
        TRY(Impl::Place place, impl_->find(ref));
        KnownSegment& segment = *place.segment;
        if (!is_live(static_cast<MessageMark>(segment.file->marks(place.frame, segment.header)[0])))
            return fail(ErrorKind::NotFound, "message " + ref.queue_id + " is no longer in the journal");
        segment.marks_dirty = true;
        return segment.file->set_mark(place.frame, segment.header, 0, static_cast<std::uint8_t>(MessageMark::Expired));
    }
    const std::string path = path_of(ref.queue, ref.queue_id);
    TRY(UniqueFd file, open_file(impl_->options.directory + "/" + path, O_RDONLY | O_NOFOLLOW));
    struct stat status{};
    if (::fstat(file.get(), &status) != 0)
        return fail_errno("stat " + path);
    if (!is_complete(status.st_mode))
        return fail(ErrorKind::NotFound, path + " is not complete");
    if (!is_expired(status.st_mode) && ::fchmod(file.get(), (status.st_mode & 07777U) | mode_expired) != 0)
        return fail_errno("chmod " + path);
    impl_->unsynced_files.insert(path);
    return {};
}

Result<void> Store::set_retry_time(const MessageRef& ref, WallTime retry_at)
{
    return set_file_time(impl_->full_path(ref.queue, ref.queue_id), retry_at);
}

Result<LoadedMessage> Store::activate(QueueName from, const std::string& queue_id, RecipientBudget budget)
{
    impl_->budget = budget;
    return impl_->activate_file(from, queue_id);
}

Result<void> Store::quarantine(const MessageRef& ref)
{
    if (busy(ref))
        return busy_error(ref);
    if (ref.queue != QueueName::Journal) {
        TRY(impl_->rename_file(ref.queue, QueueName::Corrupt, ref.queue_id));
        log::error("{}: damaged, moved to the corrupt queue", ref.queue_id);
        return {};
    }
    TRY(Impl::Place place, impl_->find(ref));
    TRY(impl_->save_damage(*place.segment, ref.offset, frame_end(ref.offset, place.frame)));
    return bury(ref);
}

Result<void> Store::change_queue(const MessageRef& ref, QueueName to)
{
    if (busy(ref))
        return busy_error(ref);
    TRY(impl_->rename_file(ref.queue, to, ref.queue_id));
    for (QueueName queue : {ref.queue, to}) {
        std::string path = impl_->full_path(queue, ref.queue_id);
        TRY(sync_directory(path.substr(0, path.rfind('/'))));
    }
    return {};
}

namespace {

// One survivor on its way from the journal into a file; prepared on the loop's thread, written on another.
struct JournalMove {
    std::size_t position;  // in the caller's list
    std::shared_ptr<SegmentFile> file;
    SegmentHeader header;
    FrameHeader frame;
    std::uint64_t offset;
    std::string path;
    WallTime retry_at;
    std::unique_ptr<FileBuilder> builder;
    Result<void> result;
};

Result<void> write_survivor(JournalMove& move, const std::string& directory)
{
    TRY(move.builder, FileBuilder::create(directory, move.path));
    TRY(move.builder->append_content(move.file->content(move.offset, move.frame)));
    std::string marks(move.file->marks(move.frame, move.header));
    const auto mark = static_cast<MessageMark>(std::exchange(marks[0], static_cast<char>(MessageMark::Live)));
    TRY(move.builder->finish(move.file->envelope(move.offset, move.frame), marks, move.retry_at));
    if (mark == MessageMark::Expired && ::fchmod(move.builder->fd(), mode_complete | mode_expired) != 0)
        return fail_errno("chmod " + move.path);
    return {};
}

Result<void> sync_all(std::vector<JournalMove>& moves, const std::string& directory)
{
    if (moves.size() < many_files) {
        for (JournalMove& move : moves)
            if (move.result)
                move.result = move.builder->sync_file_and_directory();
        return {};
    }
    return sync_file_system(directory);
}

// Everything that blocks: write files, make them durable, then mark the journal's copies and make that durable.
void move_on_this_thread(std::vector<JournalMove>& moves, const std::string& directory)
{
    for (JournalMove& move : moves)
        move.result = write_survivor(move, directory);
    if (auto synced = sync_all(moves, directory); !synced)
        for (JournalMove& move : moves)
            if (move.result)
                move.result = synced;
    std::set<SegmentFile*> touched;
    for (JournalMove& move : moves) {
        if (!move.result)
            continue;  // the builder removes its file
        move.result = move.file->set_mark(move.frame, move.header, 0, static_cast<std::uint8_t>(MessageMark::Moved));
        if (move.result)
            touched.insert(move.file.get());
        // Marked or not, the file is whole and durable: if both copies are found, it wins.
        move.builder->keep();
        move.builder.reset();  // and with it the file's lock: from here on it may be scheduled
    }
    for (SegmentFile* segment : touched)
        if (auto synced = segment->sync(); !synced)
            log::warning("marks of moved messages: {}", synced.error().text());
}

}  // namespace

Task<std::vector<Result<MessageRef>>> Store::move(std::vector<Survivor> survivors)
{
    std::vector<Result<MessageRef>> results(survivors.size(), MessageRef{});
    auto moves = std::make_shared<std::vector<JournalMove>>();
    for (std::size_t i = 0; i < survivors.size(); ++i) {
        const Survivor& survivor = survivors[i];
        MessageRef target;
        target.queue = survivor.to;
        target.queue_id = survivor.ref.queue_id;
        results[i] = target;
        if (survivor.ref.queue != QueueName::Journal) {
            auto moved = impl_->rename_file(survivor.ref.queue, survivor.to, survivor.ref.queue_id);
            if (moved)
                moved = set_file_time(impl_->full_path(survivor.to, survivor.ref.queue_id), survivor.retry_at);
            if (!moved)
                results[i] = fail(std::move(moved).error());
            continue;
        }
        auto place = impl_->find(survivor.ref);
        if (!place) {
            results[i] = fail(std::move(place).error());
            continue;
        }
        auto locked = try_lock_range(place->segment->file->fd(), survivor.ref.offset, LockMode::Exclusive);
        if (!locked || !*locked) {
            results[i] = locked ? busy_error(survivor.ref) : fail(std::move(locked).error());
            continue;
        }
        impl_->moving.insert(survivor.ref.queue_id);
        moves->push_back({i,
                          place->segment->file,
                          place->segment->header,
                          place->frame,
                          survivor.ref.offset,
                          path_of(survivor.to, survivor.ref.queue_id),
                          survivor.retry_at,
                          nullptr,
                          {}});
    }
    if (!moves->empty()) {
        co_await net::in_thread([moves, directory = impl_->options.directory] {
            move_on_this_thread(*moves, directory);
            return true;
        });
    }
    for (JournalMove& move : *moves) {
        unlock_range(move.file->fd(), move.offset);
        impl_->moving.erase(survivors[move.position].ref.queue_id);
        if (move.result)
            --impl_->segments.at(survivors[move.position].ref.segment).live;
        else
            results[move.position] = fail(move.result.error());
    }
    co_return results;
}

}  // namespace posthaste::queue
