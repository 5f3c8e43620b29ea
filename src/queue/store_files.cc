// store_files.cc — many queue files at once: looking for them, and what tools do to them. A queue has a million files
// and the disk is not always fast, so the work is done on helper threads.
#include "log/log.h"
#include "net/tasks.h"
#include "queue/directory_walk.h"
#include "queue/locks.h"
#include "queue/store.h"
#include "queue/store_impl.h"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>

namespace posthaste::queue {

namespace {

// Where the file should be it is found by its queue id. Moved there by hand, or from the time of another
// hash_queue_depth, it may be elsewhere.
bool put_in_place(const QueueOptions& options, QueueName queue, const WalkedFile& file)
{
    const std::string expected = queue_file_path(options, queue, file.queue_id);
    if (file.path == expected)
        return true;
    const std::string source = options.directory + "/" + file.path;
    const std::string target = options.directory + "/" + expected;
    auto made = make_parent_directories(options.directory, expected);
    if (made && ::renameat2(AT_FDCWD, source.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) != 0)
        made = fail_errno("rename " + source + " to " + target);
    if (made)
        log::info("{}: moved to {}", file.path, expected);
    else if (made.error().kind() != ErrorKind::NotFound)
        log::warning("{}", made.error().text());
    return made.has_value();
}

// On a helper thread. None: that was all.
std::vector<FileEntry> list_some(const QueueOptions& options, QueueName queue, FileWalk& walk, std::size_t most)
{
    std::vector<FileEntry> entries;
    for (;;) {
        const std::vector<WalkedFile> files = walk.next(most);
        for (const WalkedFile& file : files)
            if (is_complete(file.status.st_mode) && put_in_place(options, queue, file))
                entries.push_back({queue, file.queue_id, wall_time(file.status.st_mtim),
                                   static_cast<std::uint64_t>(file.status.st_size), is_expired(file.status.st_mode)});
        if (files.empty() || !entries.empty())
            return entries;
    }
}

}  // namespace

Task<Result<std::vector<FileEntry>>> Store::FileList::next(std::size_t most)
{
    auto entries = co_await net::in_thread(
        [options = options_, queue = queue_, walk = walk_, most] { return list_some(*options, queue, *walk, most); });
    if (entries.empty() && !walk_->result())
        co_return fail(walk_->result().error());
    co_return std::move(entries);
}

Store::FileList Store::list_files(QueueName queue) const
{
    return {std::make_shared<const QueueOptions>(impl_->options), queue,
            std::make_shared<FileWalk>(impl_->options.directory, name(queue), FileWalk::Detail::Status)};
}

namespace {

// An unlink may wait for the file system's own journal: several at a time take a fraction of the time. The pool of
// net::in_thread() has one more for the syncs of upkeep().
constexpr std::size_t change_threads = 3;

struct ChangeWork {
    struct Item {
        Store::FileChange change;
        std::string source;  // below the queue directory, as those that follow
        std::string target;
        Result<void> result;
    };
    QueueOptions options;
    std::vector<Item> items;
    std::atomic<std::size_t> next = 0;  // item that nobody has taken
};

Result<void> remove_with_logs(const QueueOptions& options, const std::string& path, const std::string& queue_id)
{
    const std::string full = options.directory + "/" + path;
    if (::unlink(full.c_str()) != 0)
        return fail_errno("unlink " + full);
    for (std::string_view log : {"defer", "bounce", "trace"})
        ::unlink((options.directory + "/" + queue_file_path(options, log, queue_id)).c_str());
    return {};
}

// NotFound: it is not there, or not any more.
Result<void> move_unless_busy(const QueueOptions& options, const std::string& from, const std::string& to)
{
    const std::string source = options.directory + "/" + from;
    TRY(UniqueFd file, open_file(source, O_RDWR));
    if (is_locked_by_other(file.get(), file_lock_byte))
        return fail(ErrorKind::Temporary, from + " is being delivered");
    const std::string target = options.directory + "/" + to;
    if (::rename(source.c_str(), target.c_str()) == 0)
        return {};
    if (errno != ENOENT)
        return fail_errno("rename " + source + " to " + target);
    TRY(make_parent_directories(options.directory, to));
    return ::rename(source.c_str(), target.c_str()) == 0 ? Result<void>()
                                                         : fail_errno("rename " + source + " to " + target);
}

void change_file(const QueueOptions& options, ChangeWork::Item& item)
{
    const Store::FileChange& change = item.change;
    item.result = fail(ErrorKind::NotFound, change.queue_id + ": no such message");
    for (QueueName queue : change.from) {
        item.source = queue_file_path(options, queue, change.queue_id);
        if (change.to) {
            item.target = queue_file_path(options, *change.to, change.queue_id);
            item.result = move_unless_busy(options, item.source, item.target);
        } else {
            item.result = remove_with_logs(options, item.source, change.queue_id);
        }
        if (item.result || item.result.error().kind() != ErrorKind::NotFound)
            return;
    }
}

// Moves are durable when they are answered; that something is gone may wait for upkeep().
void sync_moves(ChangeWork& work)
{
    std::set<std::string> directories;
    for (const ChangeWork::Item& item : work.items)
        if (item.result && item.change.to)
            for (const std::string* path : {&item.source, &item.target})
                directories.insert(path->substr(0, path->rfind('/')));
    Result<void> synced;
    if (directories.size() >= many_files)
        synced = sync_file_system(work.options.directory);
    else
        for (const std::string& directory : directories)
            if (auto each = sync_directory(work.options.directory + "/" + directory); !each)
                synced = std::move(each);
    for (ChangeWork::Item& item : work.items)
        if (item.result && item.change.to)
            item.result = synced;
}

Task<void> change_some(std::shared_ptr<ChangeWork> work)
{
    co_await net::in_thread([work] {
        for (std::size_t i; (i = work->next.fetch_add(1)) < work->items.size();)
            change_file(work->options, work->items[i]);
        return true;
    });
}

}  // namespace

Task<std::vector<Result<void>>> Store::change_files(std::vector<FileChange> changes)
{
    auto work = std::make_shared<ChangeWork>();
    work->options = impl_->options;
    for (FileChange& change : changes)
        work->items.push_back({.change = std::move(change), .source = {}, .target = {}, .result = {}});
    net::TaskGroup helpers;
    for (std::size_t i = 0; i < change_threads; ++i)
        helpers.start(change_some(work));
    static_cast<void>(co_await helpers.join(net::Deadline::never()));  // each is as long as its system calls
    co_await net::in_thread([work] {
        sync_moves(*work);
        return true;
    });
    std::vector<Result<void>> results;
    for (ChangeWork::Item& item : work->items) {
        if (item.result && !item.change.to)
            impl_->entry_changed(item.source);
        else if (item.result && impl_->unsynced_files.erase(item.source) > 0)
            impl_->unsynced_files.insert(item.target);
        results.push_back(std::move(item.result));
    }
    co_return results;
}

}  // namespace posthaste::queue
