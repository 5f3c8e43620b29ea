// snapshot.h — what qmgr takes from one state of main.cf, parsed once. Private to the queue manager.
#pragma once

#include "base/text.h"
#include "daemon/qmgr/queue_manager.h"

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace posthaste::qmgr {

struct QueueManager::Snapshot {
    Snapshot(ConfigPtr new_config, const Surroundings& surroundings);

    ConfigPtr config;
    // Of bounce_service_name, defer_service_name and trace_service_name. Who asks them holds on to the snapshot.
    ipc::Client bounce;
    ipc::Client defer;
    ipc::Client trace;
    std::unique_ptr<routing::Router> router;
    std::set<std::string, std::less<>> defer_transports;
    std::string double_bounce_sender;  // the local part; all mail to it is discarded
    std::string default_filter_nexthop;
    std::size_t active_limit = 20000;
    std::size_t recipient_limit = 20000;
    std::size_t recipient_minimum = 10;
    Backoff backoff;
    std::chrono::seconds queue_run_delay{300};
    std::chrono::seconds lifetime{0};
    std::chrono::seconds bounce_lifetime{0};
    std::chrono::seconds delay_warning_time{0};
    bool confirm_delay_cleared = false;
    std::chrono::seconds ipc_timeout{60};

    // Invalid: a value has no meaning.
    static Result<std::shared_ptr<Snapshot>> make(ConfigPtr config, const Surroundings& surroundings);

    // FILTER transport:nexthop takes the place of what routing said (access(5), header_checks(5)).
    void apply_filter(const std::string& filter, routing::Route* route) const;
    [[nodiscard]] bool is_double_bounce(const routing::Route& route) const;
};

}  // namespace posthaste::qmgr
