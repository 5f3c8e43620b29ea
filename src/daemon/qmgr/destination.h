// destination.h — one destination of one transport: the jobs that have something for it, its concurrency window, and
// the time for which it is left alone.
#pragma once

#include "daemon/qmgr/concurrency_window.h"
#include "daemon/qmgr/job.h"

#include <set>
#include <string>
#include <vector>

namespace posthaste::qmgr {

// Owned by its Transport, which keeps an idle one for a while so that what was learned about it is not lost. Has no
// clock of its own: the time comes as a parameter.
class Destination {
public:
    Destination(std::string nexthop, const WindowSettings& settings) : nexthop_(std::move(nexthop)), window_(settings)
    {
    }

    [[nodiscard]] const std::string& nexthop() const { return nexthop_; }
    [[nodiscard]] const ConcurrencyWindow& window() const { return window_; }
    [[nodiscard]] std::size_t under_way() const { return static_cast<std::size_t>(under_way_); }

    // Peers with deliveries that wait here, by band and order. Labels and bands do not change while they are in it.
    void add(Peer& peer) { peers_.insert(&peer); }
    void remove(Peer& peer) { peers_.erase(&peer); }
    [[nodiscard]] bool has_waiting() const { return !peers_.empty(); }
    [[nodiscard]] std::vector<Peer*> peers() const { return {peers_.begin(), peers_.end()}; }
    // The first of each band.
    void find_fronts(std::vector<Peer*>& fronts) const;
    [[nodiscard]] std::size_t count_waiting() const;

    // May a delivery begin now? (It has one waiting, the window is open, a rate delay has passed.)
    [[nodiscard]] bool may_begin(TimePoint now) const;
    void begin() { ++under_way_; }

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

    // The transport's notes.
    std::vector<Peer*> ready;  // those of its peers that stand among what the transport may begin
    bool is_resting = false;   // its transport has a note of its rest
    TimePoint idle_since{};    // since when nothing waits and nothing is under way
    TimePoint warned_of_clog{};

private:
    struct InOrder {
        using is_transparent = void;
        bool operator()(const Peer* a, const Peer* b) const
        {
            return a->job->band != b->job->band ? a->job->band < b->job->band : a->job->label < b->job->label;
        }
        bool operator()(Band band, const Peer* peer) const { return band < peer->job->band; }
    };

    std::string nexthop_;
    ConcurrencyWindow window_;
    std::set<Peer*, InOrder> peers_;
    std::string problem_;
    std::string problem_code_;
    TimePoint dead_until_{};
    TimePoint rest_until_{};
    int under_way_ = 0;
};

}  // namespace posthaste::qmgr
