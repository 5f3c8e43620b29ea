// store_upkeep.cc — what the queue manager does about once a second: make marks durable (the bound on repeated
// deliveries after a power cut), notice writers that are gone, retire and trim segments.
#include "log/log.h"
#include "net/tasks.h"
#include "queue/locks.h"
#include "queue/store.h"
#include "queue/store_impl.h"

#include <algorithm>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace posthaste::queue {

namespace {

// Free segments beyond the reserve that are kept for the next burst instead of being removed.
constexpr std::size_t kept_free_segments = 8;

// A segment file without a valid header and without a writer is left alone for this long, in seconds: its maker may
// be between creating and locking it.
constexpr time_t unfinished_age = 60;

struct Work {
    std::vector<std::shared_ptr<SegmentFile>> sync;
    std::map<std::string, timespec> active_files;  // changed by the work: as they were before they were synced
    std::set<std::string> files;
    std::set<std::string> directories;
    std::vector<std::shared_ptr<SegmentFile>> retire;
    std::size_t free_to_make = 0;
    std::string directory;
    std::uint64_t segment_size = 0;
    bool synced = false;  // all that was to be made durable is, whatever became of the rest
    Result<void> result;
};

Result<void> sync_queue_file(const std::string& path)
{
    auto fd = open_file(path, O_RDONLY);
    if (!fd && fd.error().kind() == ErrorKind::NotFound)
        return {};  // moved or removed meanwhile: the next round
    if (!fd)
        return fail(std::move(fd).error());
    return ::fdatasync(fd->get()) == 0 ? Result<void>() : fail_errno("fdatasync " + path);
}

bool same_time(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

// Marks in queue files, and the names of files that were moved or buried.
Result<void> sync_queue_files(Work& work)
{
    std::set<std::string>& files = work.files;
    for (auto& [path, synced_at] : work.active_files) {
        struct stat status{};
        if (::stat((work.directory + "/" + path).c_str(), &status) != 0 || same_time(status.st_mtim, synced_at))
            continue;
        files.insert(path);
        synced_at = status.st_mtim;
    }
    if (files.size() + work.directories.size() >= many_files)
        return sync_file_system(work.directory);
    for (const std::string& path : files)
        TRY(sync_queue_file(work.directory + "/" + path));
    for (const std::string& path : work.directories)
        if (auto synced = sync_directory(work.directory + "/" + path);
            !synced && synced.error().kind() != ErrorKind::NotFound)  // empty, and removed by hand
            return synced;
    return {};
}

void do_work(Work& work)
{
    work.result = sync_queue_files(work);
    for (const auto& file : work.sync)
        if (auto synced = file->sync(); !synced)
            work.result = synced;
    if (!work.result)
        return;  // nothing may be recycled on marks that are perhaps not on disk
    work.synced = true;
    for (const auto& file : work.retire)
        if (auto retired = retire_segment(*file); !retired)
            work.result = fail(std::move(retired).error());
    for (std::size_t i = 0; i < work.free_to_make && work.result; ++i)
        work.result = make_free_segment(work.directory, work.segment_size);
}

// A file in journal/ whose header never became valid, without a writer: its maker died before it could be used.
void remove_unfinished_segments(const std::string& directory, const std::map<std::uint64_t, KnownSegment>& known)
{
    auto numbers = list_segments(directory);
    if (!numbers)
        return;
    for (std::uint64_t number : *numbers) {
        if (known.contains(number))
            continue;
        std::string path = segment_path(directory, number);
        auto fd = open_file(path, O_RDWR);
        struct stat status{};
        if (!fd || is_locked_by_other(fd->get(), writer_lock_byte) || ::fstat(fd->get(), &status) != 0 ||
            ::time(nullptr) - status.st_mtime < unfinished_age)
            continue;
        auto opened = SegmentFile::open(directory, number);
        if (opened || opened.error().kind() != ErrorKind::Corrupt)
            continue;
        std::string aside = fmt::format("{}/corrupt/journal-{:08}", directory, number);
        ::rename(path.c_str(), aside.c_str());
        log::warning("{}: no valid segment header, moved to {}", path, aside);
    }
}

}  // namespace

Task<Result<void>> Store::upkeep()
{
    if (impl_->upkeep_running)
        co_return Result<void>{};
    impl_->upkeep_running = true;
    const bool all_read = impl_->journal_is_read();
    auto work = std::make_shared<Work>();
    work->directory = impl_->options.directory;
    work->segment_size = impl_->options.segment_size;
    std::vector<std::uint64_t> free_segments;
    for (auto& [number, segment] : impl_->segments) {
        if (segment.header.state == SegmentState::Free) {
            free_segments.push_back(number);
            continue;
        }
        if (!segment.writer_gone && !is_locked_by_other(segment.file->fd(), writer_lock_byte))
            segment.writer_gone = true;
        if (segment.writer_gone && segment.read_to_end && segment.live == 0)
            work->retire.push_back(segment.file);
        else if (segment.marks_dirty || segment.live > 0)
            work->sync.push_back(segment.file);
        segment.marks_dirty = false;
    }
    while (free_segments.size() > impl_->options.reserve_segments + kept_free_segments) {
        std::uint64_t number = free_segments.back();
        free_segments.pop_back();
        KnownSegment& segment = impl_->segments.at(number);
        auto locked = try_lock_range(segment.file->fd(), writer_lock_byte, LockMode::Exclusive);
        if (!locked || !*locked)
            continue;  // claimed at this moment
        ::unlink(segment_path(impl_->options.directory, number).c_str());
        if (auto begun = impl_->positions->begin(number, 0, 0); !begun)
            log::warning("{}", begun.error().text());
        impl_->segments.erase(number);
    }
    if (!impl_->segments.empty() && free_segments.size() + work->retire.size() < impl_->options.reserve_segments)
        work->free_to_make = impl_->options.reserve_segments - free_segments.size() - work->retire.size();

    work->active_files = impl_->active_files;
    work->files = std::exchange(impl_->unsynced_files, {});
    work->directories = std::exchange(impl_->unsynced_directories, {});

    co_await net::in_thread([work] {
        do_work(*work);
        return true;
    });
    // A full disk, on which no segment can be made, does not keep old mail from being delivered.
    if (work->synced) {
        impl_->recovered = impl_->recovered || all_read;
        for (const auto& [path, synced_at] : work->active_files)
            if (auto active = impl_->active_files.find(path); active != impl_->active_files.end())
                active->second = synced_at;
    } else {  // again next time
        impl_->unsynced_files.merge(work->files);
        impl_->unsynced_directories.merge(work->directories);
        for (auto& [number, segment] : impl_->segments)
            if (std::ranges::find(work->sync, segment.file) != work->sync.end())
                segment.marks_dirty = true;
    }
    for (const auto& file : work->retire)
        if (auto refreshed = impl_->refresh(file->number()); !refreshed)
            log::warning("{}", refreshed.error().text());
    if (work->free_to_make > 0)
        if (auto discovered = impl_->discover_segments(); !discovered)
            log::warning("{}", discovered.error().text());
    remove_unfinished_segments(impl_->options.directory, impl_->segments);
    impl_->upkeep_running = false;
    co_return work->result;
}

}  // namespace posthaste::queue
