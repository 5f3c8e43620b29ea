// session_pool.cc — see session_pool.h.
#include "daemon/smtp/session_pool.h"

#include <algorithm>

namespace posthaste::smtp_client {

namespace {
// A session that was used so recently is taken without asking the kernel whether it still stands; if it does not, the
// transaction finds out and another session is used.
constexpr std::chrono::milliseconds surely_alive{500};
}  // namespace

SessionPool::SessionPool(const Settings& settings) : settings_(&settings), expiry_([this] { expire(); }) {}

void SessionPool::begin(const std::string& name, Keep keep)
{
    Destination& destination = destinations_[name];
    ++destination.running;
    destination.keep = keep;
    destination.begin_before_last = std::exchange(destination.last_begin, net::Clock::now());
    if (!expiry_.running())
        expiry_.start(net::Clock::now() + settings_->cache_time);
}

void SessionPool::end(const std::string& name) { --destinations_[name].running; }

std::unique_ptr<Session> SessionPool::take(const std::string& name)
{
    auto found = destinations_.find(name);
    if (found == destinations_.end())
        return nullptr;
    std::vector<Idle>& idle = found->second.idle;
    while (!idle.empty()) {
        Idle last = std::move(idle.back());
        idle.pop_back();
        bool recent = last.until - settings_->cache_time + surely_alive > net::Clock::now();
        if (may_be_reused(*last.session) && (recent || last.session->connection().is_quiet()))
            return std::move(last.session);
        close(std::move(last.session));
    }
    return nullptr;
}

void SessionPool::give_back(const std::string& name, std::unique_ptr<Session> session)
{
    if (session->unusable)
        return;
    Destination& destination = destinations_[name];
    if (!may_be_reused(*session) || !expects_more(destination)) {
        close(std::move(session));
        return;
    }
    destination.idle.push_back({std::move(session), net::Clock::now() + settings_->cache_time});
}

bool SessionPool::expects_more(const Destination& destination) const
{
    if (destination.keep == Keep::Always)
        return true;
    if (!settings_->cache_on_demand)
        return false;
    return destination.running > 1 || net::Clock::now() - destination.begin_before_last < settings_->cache_time;
}

bool SessionPool::may_be_reused(const Session& session) const
{
    return net::Clock::now() - session.created() < settings_->reuse_time &&
           (settings_->reuse_count == 0 || session.uses < settings_->reuse_count);
}

void SessionPool::close(std::unique_ptr<Session> session)
{
    if (settings_->skip_quit_response)
        session->quit_at_once();
    else
        closing_.start(quit_and_wait(std::move(session)));
}

Task<void> SessionPool::quit_and_wait(std::unique_ptr<Session> session)
{
    static_cast<void>(co_await session->connection().command("QUIT\r\n", settings_->timeouts.quit));
}

void SessionPool::expire()
{
    net::Clock::time_point now = net::Clock::now();
    for (auto entry = destinations_.begin(); entry != destinations_.end();) {
        Destination& destination = entry->second;
        for (Idle& idle : destination.idle)
            if (idle.until <= now)
                close(std::move(idle.session));
        std::erase_if(destination.idle, [](const Idle& idle) { return !idle.session; });
        bool quiet = destination.running == 0 && destination.idle.empty() &&
                     now - destination.last_begin > settings_->cache_time;
        entry = quiet ? destinations_.erase(entry) : std::next(entry);
    }
    if (!destinations_.empty())
        expiry_.start(now + std::min<net::Clock::duration>(settings_->cache_time, std::chrono::milliseconds(500)));
}

void SessionPool::close_all()
{
    for (auto& [name, destination] : destinations_)
        for (Idle& idle : std::exchange(destination.idle, {}))
            close(std::move(idle.session));
}

}  // namespace posthaste::smtp_client
