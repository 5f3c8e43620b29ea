// site_flush.cc — see site_flush.h.
#include "daemon/flush/site_flush.h"

#include "daemon/qmgr/control_protocol.h"
#include "log/log.h"
#include "server/queue_control.h"

#include <algorithm>
#include <chrono>

namespace posthaste::flush {

namespace {

constexpr std::size_t most_waiting = 10'000;  // sites
constexpr int pause_factor = 4;
constexpr std::chrono::seconds shortest_pause{1};
constexpr std::chrono::minutes longest_pause{5};
constexpr int attempts = 3;  // to tell the queue manager something: it may just be restarted
constexpr std::chrono::seconds pause_between_attempts{1};

}  // namespace

net::Clock::duration pause_after(net::Clock::duration pass)
{
    return std::clamp<net::Clock::duration>(pass * pause_factor, shortest_pause, longest_pause);
}

SiteFlush::SiteFlush(queue::QueueOptions options, std::string manager_socket)
    : options_(std::move(options)), manager_socket_(std::move(manager_socket))
{
}

bool SiteFlush::want(std::string_view site, Subdomains subdomains)
{
    if (waiting_.size() >= most_waiting && !waiting_.has(site, subdomains))
        return false;
    waiting_.add(site, subdomains);
    if (!std::exchange(running_, true))
        tasks_.start(run());
    return true;
}

Task<void> SiteFlush::finish()
{
    hurry_.set();
    // Bounded by the size of the queue, and by stop's grace when the system goes down.
    static_cast<void>(co_await tasks_.join(net::Deadline::never()));
}

Task<void> SiteFlush::run()
{
    while (!waiting_.empty()) {
        static_cast<void>(co_await hurry_.wait(net::Deadline::at(next_)));  // a timeout is what is expected
        const auto begin = net::Clock::now();
        co_await flush(std::exchange(waiting_, {}));
        next_ = net::Clock::now() + pause_after(net::Clock::now() - begin);
    }
    running_ = false;
}

Task<void> SiteFlush::flush(Sites sites)
{
    const std::string names = sites.text();
    auto scan = std::make_shared<DeferredScan>(options_, std::move(sites));
    std::size_t count = 0;
    for (bool is_last = false; !is_last;) {
        DeferredScan::Slice slice = co_await net::in_thread([scan] { return scan->next(); });
        is_last = slice.is_last;
        count += slice.queue_ids.size();
        if (slice.queue_ids.empty())
            continue;
        if (auto told = co_await retry(std::move(slice.queue_ids)); !told) {
            log::warning("flush of {}: the queue manager does not answer, mail waits for its time: {}", names,
                         told.error().text());
            break;
        }
    }
    manager_.reset();
    if (!scan->result())
        log::warning("flush of {}: mail may have been left out: {}", names, scan->result().error().text());
    log::info("flush of {}: deferred messages made due: {}", names, count);
}

Task<Result<void>> SiteFlush::retry(std::vector<std::string> queue_ids)
{
    for (int attempt = 1;; ++attempt) {
        auto told = co_await ask_manager(queue_ids);
        if (told || attempt == attempts)
            co_return told;
        manager_.reset();
        co_await net::sleep_for(pause_between_attempts);
    }
}

Task<Result<void>> SiteFlush::ask_manager(std::vector<std::string> queue_ids)
{
    if (!manager_) {
        CO_TRY(manager_, co_await server::connect_to_queue_manager(manager_socket_));
    }
    const auto deadline = net::Deadline::after(server::queue_manager_patience);
    CO_TRY(co_await manager_->send(
        qmgr::ControlRequest{.command = qmgr::Command::Retry, .queue_ids = std::move(queue_ids)}, deadline));
    CO_TRY(co_await manager_->receive<qmgr::ControlReply>(deadline));
    co_return Result<void>{};
}

}  // namespace posthaste::flush
