// Connection counts and event rates of clients, one entry per (service, client), and the maxima that the statistics
// lines report. Pure bookkeeping: time comes in as a parameter.
#pragma once

#include "daemon/anvil/protocol.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace posthaste::anvil {

using Time = std::chrono::steady_clock::time_point;

// Life time: that of the service. An entry lives while it has connections or its rate window runs. Loop's thread.
class Counters {
public:
    explicit Counters(std::chrono::seconds rate_unit) : rate_unit_(rate_unit) {}

    Reply record(const Request& request, Time now, std::time_t wall_clock);
    // Connections of a caller that is gone.
    void drop_connections(const std::string& key, int count);
    // Forgets entries without connections whose window has passed; call it from time to time.
    void expire(Time now);

    // "max connection rate 5/60s for (smtp:192.0.2.1) at Nov 21 03:04:05", and so on; the maxima begin again.
    std::vector<std::string> take_statistics();
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    static std::string key_of(const Request& request) { return request.service + ":" + request.client; }

private:
    struct Entry {
        int connections = 0;
        std::array<int, counted_events> rates{};  // by Event
        Time window_begin;
    };
    struct Maximum {
        int value = 0;
        std::string who;
        std::time_t when = 0;
        void note(int seen, const std::string& key, std::time_t now);
    };

    std::chrono::seconds rate_unit_;
    std::unordered_map<std::string, Entry> entries_;
    std::array<Maximum, counted_events> rate_maxima_;
    Maximum count_maximum_;
    std::size_t cache_maximum_ = 0;
    std::time_t cache_maximum_at_ = 0;
};

}  // namespace posthaste::anvil
