// scheduler.cc — see scheduler.h.
#include "daemon/qmgr/scheduler.h"

#include <algorithm>

namespace posthaste::qmgr {

Scheduler::Scheduler(std::shared_ptr<const config::Config> config, MakeAgentLink make_link, DeliveryObserver& observer)
    : Scheduler(std::move(config), std::move(make_link), observer, [] { return net::Clock::now(); })
{
    surroundings_.wake_at = [this](TimePoint when) { wake_at(when); };
}

Scheduler::Scheduler(std::shared_ptr<const config::Config> config, MakeAgentLink make_link, DeliveryObserver& observer,
                     std::function<TimePoint()> now)
    : config_(std::move(config)),
      surroundings_{
          .make_link = std::move(make_link), .now = std::move(now), .wake_at = [](TimePoint) {}, .observer = &observer},
      wake_([this] {
          for (Transport* transport : all())
              transport->look_at_clock();
      })
{
}

void Scheduler::wake_at(TimePoint when)
{
    if (wake_.running() && wake_when_ <= when)
        return;
    wake_when_ = when;
    wake_.start(when);
}

void Scheduler::configure(std::shared_ptr<const config::Config> config)
{
    config_ = std::move(config);
    for (auto& [name, transport] : transports_)
        transport->configure(TransportSettings::from(*config_, name));
}

Transport& Scheduler::transport(const std::string& name)
{
    auto& place = transports_[name];
    if (!place)
        place = std::make_unique<Transport>(name, TransportSettings::from(*config_, name), surroundings_);
    return *place;
}

void Scheduler::add(ActiveMessage& message, std::vector<RoutedRecipient> recipients)
{
    struct Group {
        const routing::Route* route;
        std::vector<RequestRecipient> recipients;
    };
    std::vector<Group> groups;
    std::unordered_map<std::string, std::size_t> places;
    for (RoutedRecipient& each : recipients) {
        auto [place, is_new] = places.try_emplace(each.route.transport + ":" + each.route.nexthop, groups.size());
        if (is_new)
            groups.push_back({.route = &each.route, .recipients = {}});
        groups[place->second].recipients.push_back({.index = each.index, .address = std::move(each.route.recipient)});
    }
    for (Group& group : groups)
        transport(group.route->transport).add(message, group.route->nexthop, std::move(group.recipients));
}

void Scheduler::add(std::unique_ptr<Delivery> delivery, const std::string& transport_name, const std::string& nexthop)
{
    transport(transport_name).add(std::move(delivery), nexthop);
}

std::vector<std::unique_ptr<Delivery>> Scheduler::withdraw(const ActiveMessage& message)
{
    std::vector<std::unique_ptr<Delivery>> withdrawn;
    for (auto& [name, transport] : transports_)
        std::ranges::move(transport->withdraw(message), std::back_inserter(withdrawn));
    return withdrawn;
}

void Scheduler::revive()
{
    for (Transport* transport : all())
        transport->revive();
}

// Transports may be added while one of them is at work (what it suspends goes to `retry`): no iterator is kept.
std::vector<Transport*> Scheduler::all() const
{
    std::vector<Transport*> all;
    all.reserve(transports_.size());
    for (const auto& [name, transport] : transports_)
        all.push_back(transport.get());
    return all;
}

void Scheduler::keep_house()
{
    for (Transport* transport : all())
        transport->keep_house();
}

std::size_t Scheduler::refill(const ActiveMessage& message, TimePoint last_read) const
{
    std::size_t count = 0;
    for (const auto& [name, transport] : transports_)
        count += transport->refill(message, last_read);
    return std::min(count, message.unread());
}

void Scheduler::read_completely(const ActiveMessage& message)
{
    for (auto& [name, transport] : transports_)
        transport->read_completely(message);
}

std::size_t Scheduler::recipients() const
{
    std::size_t count = 0;
    for (const auto& [name, transport] : transports_)
        count += transport->recipients();
    return count;
}

void Scheduler::warn_of_clogs(std::size_t active, std::size_t active_limit)
{
    for (auto& [name, transport] : transports_)
        transport->warn_of_clogs(active, active_limit);
}

}  // namespace posthaste::qmgr
