// deferred_files.cc — how the queue manager learns which messages are in deferred/: from the directory alone, some
// thousand files at a time on a helper thread, so that new mail is not kept waiting by a million old ones.
//
// At the start, with every flush, and once in a while, because people move files by hand. What this process knows
// already is left alone, so a listing that is overtaken by events does no harm: a file that is gone when its time comes
// is forgotten then.
#include "daemon/qmgr/queue_manager.h"
#include "daemon/qmgr/snapshot.h"
#include "log/log.h"
#include "param/qmgr.h"

#include <algorithm>

namespace posthaste::qmgr {

namespace {

constexpr std::size_t files_at_once = 2000;  // looked at in one turn of the loop: about a millisecond
constexpr std::size_t worth_telling = 10'000;
constexpr int most_share = 100;  // of the time, at most one part in so many is spent on listing

}  // namespace

void QueueManager::look_for_deferred()
{
    if (!std::exchange(listing_, true))
        tasks_.start(list_deferred());
}

Task<void> QueueManager::list_deferred()
{
    const auto begun = net::Clock::now();
    auto files = store_->list_files(queue::QueueName::Deferred);
    for (;;) {
        auto found = co_await files.next(files_at_once);
        if (!found)
            log::warning("queue: {}", found.error().text());
        if (!found || found->empty())
            break;
        std::ranges::for_each(*found, [this](const queue::FileEntry& entry) { found_deferred(entry); });
        hint();
    }
    const auto took = net::Clock::now() - begun;
    if (!listed_ && schedule_.size() >= worth_telling)
        log::info("{} deferred messages scheduled in {:.1f} seconds", schedule_.size(),
                  std::chrono::duration<double>(took).count());
    // postconf(5) queue_run_delay
    const auto pause = std::max<net::Clock::duration>(snapshot_->queue_run_delay, most_share * took);
    next_listing_ = net::Clock::now() + pause;
    listing_ = false;
    flushing_ = false;
    listed_ = true;
}

void QueueManager::found_deferred(const queue::FileEntry& entry)
{
    const std::string& id = entry.queue_id;
    if (active_.contains(id) || parked_.contains(id) || changing_.contains(id))
        return;
    if (entry.expired)
        forced_expiry_.insert(id);
    if (schedule_.contains(id))
        return;
    schedule_.put(id, clock_.from_calendar(seconds_of(entry.retry_at), longest_pause(snapshot_->backoff)));
    if (flushing_)
        schedule_.make_due(id);
}

}  // namespace posthaste::qmgr
