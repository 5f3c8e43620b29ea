// destination.cc — see destination.h.
#include "daemon/qmgr/destination.h"

namespace posthaste::qmgr {

bool Destination::may_begin(TimePoint now) const
{
    return !peers_.empty() && under_way_ < window_.size() && now >= rest_until_;
}

void Destination::find_fronts(std::vector<Peer*>& fronts) const
{
    for (auto each = peers_.begin(); each != peers_.end();) {
        const Band band = (*each)->job->band;
        fronts.push_back(*each);
        each = (*peers_.rbegin())->job->band == band ? peers_.end() : peers_.upper_bound(band);
    }
}

std::size_t Destination::count_waiting() const
{
    std::size_t count = 0;
    for (const Peer* peer : peers_)
        count += peer->size();
    return count;
}

void Destination::ended_well(const WindowSettings& settings)
{
    window_.succeeded(settings, under_way_);
    --under_way_;
}

bool Destination::ended_badly(const WindowSettings& settings, std::string code, std::string problem,
                              TimePoint dead_until)
{
    --under_way_;
    const bool was_dead = window_.is_dead();
    window_.failed(settings);
    if (was_dead || !window_.is_dead())
        return false;
    problem_code_ = std::move(code);
    problem_ = std::move(problem);
    dead_until_ = dead_until;
    return true;
}

void Destination::revive(const WindowSettings& settings)
{
    window_.revive(settings);
    problem_.clear();
    problem_code_.clear();
}

}  // namespace posthaste::qmgr
