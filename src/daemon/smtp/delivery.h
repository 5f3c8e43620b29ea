// delivery.h — one job of the SMTP or LMTP client: from nexthop to outcomes, over as many hosts as it takes.
//
// The hosts are tried in order. What fails for good (5xx to MAIL, RCPT or DATA) is settled at once; what may work
// elsewhere (4xx, a connection that cannot be made or breaks) is tried at the next host, and deferred with the last
// reason when there is none. At most smtp_mx_session_limit sessions are made for one job.
//
// Life time: one job; everything that it refers to outlives it.
#pragma once

#include "daemon/smtp/client.h"
#include "daemon/smtp/transaction.h"
#include "server/delivery_job.h"

#include <optional>
#include <string>
#include <vector>

namespace posthaste::smtp_client {

class Delivery {
public:
    Delivery(Client& client, server::JobPtr job);

    Task<server::Outcomes> run();

private:
    Task<bool> prepare();
    Task<void> run_nexthops();
    // One entry of a list of nexthops.
    struct Stop {
        Result<Nexthop> nexthop;
        std::string_view parameter;  // that names it; empty: the recipients' domain, or a row of a table
        bool is_last = false;
    };
    [[nodiscard]] std::vector<Stop> stops() const;
    [[nodiscard]] std::vector<Result<Nexthop>> parse_nexthop() const;
    // False: the entry cannot be understood, or is this machine, and those behind it are not to be tried.
    Task<bool> run_stop(Stop stop);
    void put_off_misconfigured(const Stop& stop, std::string why);
    Task<void> hand_to_best_mx_transport(dsn::Outcome loop);
    Task<SessionPool::Keep> keep_policy();
    Task<void> use_kept_session();
    Task<void> run_targets(std::vector<Target> targets);
    Task<void> run_target(Target target);
    // False: the session was dead already and nothing has been tried.
    Task<bool> transact(std::unique_ptr<Session> session);
    Task<void> notify_postmaster(std::string server, std::string transcript);
    Task<void> take_outcomes(Transaction& transaction);
    // The destination could not be reached: a reason that covers every recipient that is left.
    void put_off_all(const dsn::Outcome& why);
    Task<void> settle_left(const dsn::Outcome& why);
    server::Outcomes outcomes_of_left();

    Client* client_;
    const Settings* settings_;
    SessionPool* pool_;
    server::JobPtr job_;
    Outgoing outgoing_;
    std::vector<std::size_t> left_;      // recipients without a final outcome
    std::vector<dsn::Outcome> put_off_;  // by recipient: the last reason why not yet
    std::size_t sessions_ = 0;           // used for this job; dead ones do not count
    std::optional<dsn::Outcome> site_failure_;
    std::vector<std::string> notes_;  // failures to be logged should another host be tried
    net::Endpoint tried_;             // of the kept session that was used
};

}  // namespace posthaste::smtp_client
