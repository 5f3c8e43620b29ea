// session_pool.h — sessions that wait for the next message to the same destination. CONNECTION_CACHE_README.
//
// A session is kept when more mail for its destination is to be expected: another delivery to it runs or was begun
// within smtp_connection_cache_time_limit, or the destination is listed in smtp_connection_cache_destinations. It is
// kept for smtp_connection_cache_time_limit, and used for smtp_connection_reuse_time_limit and
// smtp_connection_reuse_count_limit at most.
//
// Life time: the process. Loop's thread only. Destinations that are quiet are forgotten.
#pragma once

#include "daemon/smtp/session.h"
#include "daemon/smtp/settings.h"
#include "net/loop.h"
#include "net/tasks.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::smtp_client {

class SessionPool {
public:
    explicit SessionPool(const Settings& settings);

    // A delivery to the destination begins or ends. keep: it is listed in smtp_connection_cache_destinations.
    enum class Keep : bool { OnDemand, Always };
    void begin(const std::string& destination, Keep keep);
    void end(const std::string& destination);

    // An idle session that is still good; null if there is none.
    std::unique_ptr<Session> take(const std::string& destination);
    // After a message: kept, or closed.
    void give_back(const std::string& destination, std::unique_ptr<Session> session);
    // Ends a session in good order.
    void close(std::unique_ptr<Session> session);
    void close_all();

private:
    struct Idle {
        std::unique_ptr<Session> session;
        net::Clock::time_point until;
    };
    struct Destination {
        std::vector<Idle> idle;  // the one that was used last is used next
        unsigned running = 0;
        Keep keep = Keep::OnDemand;
        net::Clock::time_point last_begin;
        net::Clock::time_point begin_before_last;
    };
    [[nodiscard]] bool expects_more(const Destination& destination) const;
    [[nodiscard]] bool may_be_reused(const Session& session) const;
    void expire();
    Task<void> quit_and_wait(std::unique_ptr<Session> session);

    const Settings* settings_;
    std::map<std::string, Destination, std::less<>> destinations_;
    net::Timer expiry_;
    net::TaskGroup closing_;
};

}  // namespace posthaste::smtp_client
