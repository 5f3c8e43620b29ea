// destination.cc — see destination.h.
#include "daemon/qmgr/destination.h"

namespace posthaste::qmgr {

void Destination::put_back(std::unique_ptr<Delivery> delivery) { waiting_.push_front(std::move(delivery)); }

bool Destination::may_begin(TimePoint now) const
{
    return !waiting_.empty() && under_way_ < window_.size() && now >= rest_until_;
}

std::unique_ptr<Delivery> Destination::begin()
{
    std::unique_ptr<Delivery> delivery = std::move(waiting_.front());
    waiting_.pop_front();
    ++under_way_;
    return delivery;
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
