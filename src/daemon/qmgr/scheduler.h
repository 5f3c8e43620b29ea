// scheduler.h — all transports of the queue manager: recipients go in with their routes, requests go out to agents.
//
// The order of work is each transport's own (transport.h). What comes back goes straight to the DeliveryObserver; the
// scheduler keeps no message and decides nothing about retries.
#pragma once

#include "daemon/qmgr/transport.h"
#include "routing/route.h"

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace posthaste::qmgr {

struct RoutedRecipient {
    std::uint32_t index = 0;  // in the envelope
    routing::Route route;
};

// One a process; loop's thread only.
class Scheduler {
public:
    Scheduler(std::shared_ptr<const config::Config> config, MakeAgentLink make_link, DeliveryObserver& observer);
    // For tests: the clock is theirs, and they call keep_house() themselves.
    Scheduler(std::shared_ptr<const config::Config> config, MakeAgentLink make_link, DeliveryObserver& observer,
              std::function<TimePoint()> now);

    // A new snapshot: limits change at once, also for destinations that have work.
    void configure(std::shared_ptr<const config::Config> config);

    // Groups the recipients by transport and nexthop, in the order of their first appearance.
    void add(ActiveMessage& message, std::vector<RoutedRecipient> recipients);
    // A delivery that exists already goes (again) to this transport.
    void add(std::unique_ptr<Delivery> delivery, const std::string& transport, const std::string& nexthop);
    // Takes out what is not under way yet.
    std::vector<std::unique_ptr<Delivery>> withdraw(const ActiveMessage& message);
    void revive();
    // To be called about once a second.
    void keep_house();
    // Recipients of the message that may come into memory now, for all transports that have a part of it.
    [[nodiscard]] std::size_t refill(const ActiveMessage& message, TimePoint last_read) const;
    // Its last recipients have been added, or it is given up: nothing of it will be read any more.
    void read_completely(const ActiveMessage& message);
    // In memory: of deliveries that wait or are under way.
    [[nodiscard]] std::size_t recipients() const;
    void warn_of_clogs(std::size_t active, std::size_t active_limit);

    Transport& transport(const std::string& name);

private:
    void wake_at(TimePoint when);
    [[nodiscard]] std::vector<Transport*> all() const;

    std::shared_ptr<const config::Config> config_;
    TransportSurroundings surroundings_;
    std::unordered_map<std::string, std::unique_ptr<Transport>> transports_;
    net::Timer wake_;
    TimePoint wake_when_{};
};

}  // namespace posthaste::qmgr
