// counters.cc — see counters.h.
#include "daemon/anvil/counters.h"

#include <fmt/format.h>

namespace posthaste::anvil {

namespace {

std::string log_time(std::time_t when)
{
    std::tm parts{};
    localtime_r(&when, &parts);
    char text[32];
    std::size_t length = std::strftime(text, sizeof text, "%b %e %H:%M:%S", &parts);
    return {text, length};
}

}  // namespace

void Counters::Maximum::note(int seen, const std::string& key, std::time_t now)
{
    if (seen <= value)
        return;
    value = seen;
    who = key;
    when = now;
}

Reply Counters::record(const Request& request, Time now, std::time_t wall_clock)
{
    std::string key = key_of(request);
    auto [position, fresh] = entries_.try_emplace(key);
    Entry& entry = position->second;
    if (fresh || now - entry.window_begin >= rate_unit_) {
        entry.rates.fill(0);
        entry.window_begin = now;
    }
    if (entries_.size() > cache_maximum_) {
        cache_maximum_ = entries_.size();
        cache_maximum_at_ = wall_clock;
    }
    if (request.event == Event::Disconnect) {
        entry.connections = std::max(entry.connections - 1, 0);
        return {entry.connections, 0};
    }
    if (request.event == Event::Connect) {
        ++entry.connections;
        count_maximum_.note(entry.connections, key, wall_clock);
    }
    if (request.event == Event::NewTlsSoFar)
        return {entry.connections, entry.rates[static_cast<std::size_t>(Event::NewTls)]};
    auto kind = static_cast<std::size_t>(request.event) % entry.rates.size();
    ++entry.rates[kind];
    rate_maxima_[kind].note(entry.rates[kind], key, wall_clock);
    return {entry.connections, entry.rates[kind]};
}

void Counters::drop_connections(const std::string& key, int count)
{
    if (auto position = entries_.find(key); position != entries_.end())
        position->second.connections = std::max(position->second.connections - count, 0);
}

void Counters::expire(Time now)
{
    std::erase_if(entries_, [&](const auto& item) {
        return item.second.connections == 0 && now - item.second.window_begin >= rate_unit_;
    });
}

std::vector<std::string> Counters::take_statistics()
{
    static constexpr std::array<std::string_view, counted_events> words{"connection", "", "message", "recipient",
                                                                        "newtls"};
    std::vector<std::string> lines;
    for (std::size_t kind = 0; kind < words.size(); ++kind) {
        Maximum& maximum = rate_maxima_[kind];
        if (maximum.value > 0 && !words[kind].empty())
            lines.push_back(fmt::format("max {} rate {}/{}s for ({}) at {}", words[kind], maximum.value,
                                        rate_unit_.count(), maximum.who, log_time(maximum.when)));
        maximum = {};
        if (kind == 0 && count_maximum_.value > 0)
            lines.push_back(fmt::format("max connection count {} for ({}) at {}", count_maximum_.value,
                                        count_maximum_.who, log_time(count_maximum_.when)));
    }
    if (cache_maximum_ > 0)
        lines.push_back(fmt::format("max cache size {} at {}", cache_maximum_, log_time(cache_maximum_at_)));
    count_maximum_ = {};
    cache_maximum_ = 0;
    return lines;
}

}  // namespace posthaste::anvil
