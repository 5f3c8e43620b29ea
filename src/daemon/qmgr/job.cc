// job.cc — see job.h.
#include "daemon/qmgr/job.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace posthaste::qmgr {

namespace {
// Between two neighbours: room for 32 jobs that each go in front of the one before.
constexpr std::uint64_t label_gap = std::uint64_t{1} << 32;
}  // namespace

void Peer::put_back(std::unique_ptr<Delivery> delivery)
{
    if (next_ > 0)
        deliveries_[--next_] = std::move(delivery);
    else
        deliveries_.insert(deliveries_.begin(), std::move(delivery));
}

std::vector<std::unique_ptr<Delivery>> Peer::take_all()
{
    deliveries_.erase(deliveries_.begin(), deliveries_.begin() + static_cast<std::ptrdiff_t>(next_));
    next_ = 0;
    return std::exchange(deliveries_, {});
}

Band band_of(const ActiveMessage& message, std::size_t size)
{
    const auto by_size = static_cast<Band>(std::bit_width(std::max<std::size_t>(size, 1)) - 1);
    return std::min(by_size, size_classes - 1) + (message.was_deferred ? size_classes : 0);
}

void JobOrder::append(Job& job)
{
    if (last_ != nullptr && last_->label > std::numeric_limits<std::uint64_t>::max() - label_gap)
        renumber();
    job.label = last_ != nullptr ? last_->label + label_gap : label_gap;
    job.before = last_;
    job.behind = nullptr;
    (last_ != nullptr ? last_->behind : first_) = &job;
    last_ = &job;
}

void JobOrder::insert_before(Job& job, Job& other)
{
    auto middle = [&] {
        const std::uint64_t lower = other.before != nullptr ? other.before->label : 0;
        return lower + (other.label - lower) / 2;
    };
    if (middle() == (other.before != nullptr ? other.before->label : 0))
        renumber();
    job.label = middle();
    job.before = other.before;
    job.behind = &other;
    (other.before != nullptr ? other.before->behind : first_) = &job;
    other.before = &job;
}

void JobOrder::remove(Job& job)
{
    (job.before != nullptr ? job.before->behind : first_) = job.behind;
    (job.behind != nullptr ? job.behind->before : last_) = job.before;
    job.before = job.behind = nullptr;
}

// The order stays as it is, and so do sets that are sorted by it.
void JobOrder::renumber()
{
    std::uint64_t label = 0;
    for (Job* job = first_; job != nullptr; job = job->behind)
        job->label = label += label_gap;
}

}  // namespace posthaste::qmgr
