// destination.h — one destination of one transport: its deliveries in order, its concurrency window, and the time for
// which it is left alone.
#pragma once

#include "daemon/qmgr/active_message.h"
#include "daemon/qmgr/concurrency_window.h"
#include "net/loop.h"

#include <chrono>
#include <deque>
#include <memory>
#include <string>

namespace posthaste::qmgr {

using TimePoint = net::Clock::time_point;

// Owned by its Transport, which keeps an idle one for a while so that what was learned about it is not lost. Has no
// clock of its own: the time comes as a parameter.
class Destination {
public:
    Destination(std::string nexthop, const WindowSettings& settings) : nexthop_(std::move(nexthop)), window_(settings)
    {
    }

    [[nodiscard]] const std::string& nexthop() const { return nexthop_; }
    [[nodiscard]] const ConcurrencyWindow& window() const { return window_; }
    [[nodiscard]] int under_way() const { return under_way_; }
    [[nodiscard]] bool has_waiting() const { return !waiting_.empty(); }
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

    void add(std::unique_ptr<Delivery> delivery) { waiting_.push_back(std::move(delivery)); }
    // Back to the head: it was under way and the agent went away.
    void put_back(std::unique_ptr<Delivery> delivery);
    // May a delivery begin now? (It has one waiting, the window is open, a rate delay has passed.)
    [[nodiscard]] bool may_begin(TimePoint now) const;
    std::unique_ptr<Delivery> begin();
    // All that waits, taken out: the destination is dead, or a message is removed.
    std::deque<std::unique_ptr<Delivery>> take_waiting() { return std::exchange(waiting_, {}); }

    // What became of one delivery.
    void ended_well(const WindowSettings& settings);
    // `problem` is why connection or handshake failed. True if that makes the destination dead: until `dead_until`.
    bool ended_badly(const WindowSettings& settings, std::string code, std::string problem, TimePoint dead_until);
    void interrupted() { --under_way_; }

    [[nodiscard]] bool is_dead() const { return window_.is_dead(); }
    [[nodiscard]] TimePoint dead_until() const { return dead_until_; }
    [[nodiscard]] const std::string& problem() const { return problem_; }
    [[nodiscard]] const std::string& problem_code() const { return problem_code_; }
    void revive(const WindowSettings& settings);

    // destination_rate_delay: nothing begins before this time.
    void rest_until(TimePoint when) { rest_until_ = when; }
    [[nodiscard]] TimePoint rests_until() const { return rest_until_; }
    // Since when nothing waits and nothing is under way.
    TimePoint idle_since{};
    bool in_turn = false;  // stands in its transport's round

private:
    std::string nexthop_;
    ConcurrencyWindow window_;
    std::deque<std::unique_ptr<Delivery>> waiting_;
    std::string problem_;
    std::string problem_code_;
    TimePoint dead_until_{};
    TimePoint rest_until_{};
    int under_way_ = 0;
};

}  // namespace posthaste::qmgr
