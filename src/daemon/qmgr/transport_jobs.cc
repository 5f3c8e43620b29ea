// transport_jobs.cc — jobs and destinations of a transport, and which delivery is next. See transport.h.
#include "daemon/qmgr/transport.h"

#include <algorithm>
#include <bit>

namespace posthaste::qmgr {

namespace {

constexpr std::uint64_t all_bands = (std::uint64_t{1} << bands) - 1;
constexpr std::uint64_t bands_of_new_mail = (std::uint64_t{1} << size_classes) - 1;

constexpr std::uint64_t bit_of(Band band) { return std::uint64_t{1} << band; }

}  // namespace

bool Transport::OlderFirst::operator()(const Job* a, const Job* b) const
{
    return std::pair(a->message->active_since(), a) < std::pair(b->message->active_since(), b);
}

// Jobs and destinations.

std::string Transport::key_of(const Delivery& delivery, const std::string& nexthop) const
{
    // postconf(5) <transport>_destination_recipient_limit: with 1, the recipient is the destination.
    if (settings_.recipient_limit == 1 && delivery.recipients.size() == 1)
        return nexthop + "\n" + delivery.recipients.front().address;
    return nexthop;
}

Destination& Transport::destination(const std::string& key, const std::string& nexthop)
{
    auto& place = destinations_[key];
    if (!place) {
        place = std::make_unique<Destination>(nexthop, settings_.window);
        place->idle_since = surroundings_->now();
    }
    return *place;
}

Job& Transport::job_of(ActiveMessage& message)
{
    auto [place, is_new] = jobs_.try_emplace(&message, message, surroundings_->now());
    Job& job = place->second;
    if (is_new) {
        job.band = band_of(message, job.total_size());
        order_.append(job);
    }
    if (message.unread() > 0)
        unread_.insert(&job);
    return job;
}

// It must get something at once: a peer that has nothing does not stay.
Peer& Transport::peer_of(Job& job, Destination& destination)
{
    auto [place, is_new] = job.peers.try_emplace(&destination, job, destination, next_turn_);
    if (is_new) {
        ++next_turn_;
        unlist(destination);
        destination.add(place->second);
        list(destination);
    }
    return place->second;
}

void Transport::enqueue(Job& job, Destination& destination, std::unique_ptr<Delivery> delivery)
{
    job.recipients += delivery->recipients.size();
    recipients_ += delivery->recipients.size();
    ++job.waiting;
    size_changed(job);
    peer_of(job, destination).add(std::move(delivery));
}

// To the head: no agent has seen it.
void Transport::enqueue_again(UnderWay interrupted)
{
    Job& job = *interrupted.job;
    retried_under_way_ -= is_retried(job.band) ? 1 : 0;
    --job.under_way;
    --job.selected;
    ++job.waiting;
    size_changed(job);
    peer_of(job, *interrupted.destination).put_back(std::move(interrupted.delivery));
}

// The peer goes with what it had.
std::vector<std::unique_ptr<Delivery>> Transport::take_out(Peer& peer)
{
    Job& job = *peer.job;
    Destination& destination = *peer.destination;
    unlist(destination);
    destination.remove(peer);
    list(destination);
    std::vector<std::unique_ptr<Delivery>> taken = peer.take_all();
    job.peers.erase(&destination);
    job.waiting -= taken.size();
    for (const auto& delivery : taken)
        left(job, *delivery);
    size_changed(job);
    drop_if_idle(job);
    return taken;
}

std::vector<std::unique_ptr<Delivery>> Transport::take_waiting(Destination& destination)
{
    std::vector<std::unique_ptr<Delivery>> taken;
    unlist(destination);
    for (Peer* peer : destination.peers())
        std::ranges::move(take_out(*peer), std::back_inserter(taken));
    return taken;
}

void Transport::left(Job& job, const Delivery& delivery)
{
    job.recipients -= delivery.recipients.size();
    recipients_ -= delivery.recipients.size();
}

// A job's band changes when its size has doubled (it is being added) or halved (recipients turned out to go together):
// over its life, that costs as much as its deliveries.
void Transport::size_changed(Job& job)
{
    const Band band = band_of(*job.message, job.total_size());
    if (band == job.band)
        return;
    for (auto& [destination, peer] : job.peers) {
        unlist(*destination);
        destination->remove(peer);
    }
    job.band = band;
    for (auto& [destination, peer] : job.peers) {
        destination->add(peer);
        list(*destination);
    }
}

void Transport::drop_if_idle(Job& job)
{
    if (job.waiting > 0 || job.under_way > 0 || job.message->unread() > 0)
        return;
    extra_granted_ -= job.granted_extra;
    unread_.erase(&job);
    order_.remove(job);
    jobs_.erase(job.message);
}

void Transport::list(Destination& destination)
{
    if (!destination.ready.empty() || !destination.may_begin(surroundings_->now()))
        return;
    destination.find_fronts(destination.ready);
    for (Peer* peer : destination.ready) {
        ready_[peer->job->band].insert(peer);
        ready_bands_ |= bit_of(peer->job->band);
    }
}

// Before anything changes that decides on its place: peers, their order, whether it takes more.
void Transport::unlist(Destination& destination)
{
    for (Peer* peer : destination.ready) {
        auto& band = ready_[peer->job->band];
        band.erase(peer);
        if (band.empty())
            ready_bands_ &= ~bit_of(peer->job->band);
    }
    destination.ready.clear();
}

void Transport::rest(Destination& destination, TimePoint until)
{
    unlist(destination);
    destination.rest_until(until);
    if (!std::exchange(destination.is_resting, true))
        resting_.emplace(until, &destination);
    surroundings_->wake_at(until);
}

// Whose turn it is.

// A quarter of what the agent works on is kept for mail that is tried for the first time.
bool Transport::may_begin_retried() const { return retried_under_way_ < capacity_ - capacity_ / 4; }

Peer* Transport::first_ready() const
{
    Peer* first = nullptr;
    for (std::uint64_t left = ready_bands_ & (may_begin_retried() ? all_bands : bands_of_new_mail); left != 0;
         left &= left - 1) {
        Peer* peer = *ready_[static_cast<Band>(std::countr_zero(left))].begin();
        if (first == nullptr || ByTurn()(peer, first))
            first = peer;
    }
    return first;
}

// SCHEDULER_README, "How the preemption works". The current job is the first that can be delivered.
Peer* Transport::choose()
{
    Peer* first = first_ready();
    const auto& rule = settings_.slots;
    if (first == nullptr || rule.cost == 0)
        return first;
    Job& current = *first->job;
    const std::size_t cost = std::max<std::size_t>(rule.cost, 2);
    const std::size_t in_one = std::max<std::size_t>(settings_.recipient_limit, 1);
    const std::size_t all = current.selected + current.waiting + current.message->unread() / in_one;
    const std::size_t to_be_earned = all / cost;  // at least: recipients that are not read may make more deliveries
    if (to_be_earned < rule.minimum || to_be_earned <= current.slots_used)
        return first;
    Peer* candidate = best_candidate(current, to_be_earned - current.slots_used);
    if (candidate == nullptr)
        return first;
    const std::size_t needed = candidate->job->size();
    const std::size_t credit = current.selected / cost + needed * rule.discount / 100 + rule.loan;
    if (current.slots_used + needed > credit)
        return first;
    current.slots_used += needed;
    overtake(*candidate->job, current);
    return candidate;
}

// The one that has waited longest for its size, among those that these slots suffice for. Of each band the first is
// asked: of jobs of about one size the oldest has the best claim anyway.
Peer* Transport::best_candidate(const Job& current, std::size_t slots) const
{
    const TimePoint now = surroundings_->now();
    Peer* best = nullptr;
    double best_claim = 0;
    for (std::uint64_t left = ready_bands_ & (may_begin_retried() ? all_bands : bands_of_new_mail); left != 0;
         left &= left - 1) {
        Peer* peer = *ready_[static_cast<Band>(std::countr_zero(left))].begin();
        const Job& job = *peer->job;
        if (&job == &current || job.size() > slots)
            continue;
        const double waited = 1 + std::chrono::duration<double>(now - job.since).count();
        const double claim = waited / static_cast<double>(job.size());
        if (claim > best_claim) {
            best = peer;
            best_claim = claim;
        }
    }
    return best;
}

void Transport::overtake(Job& job, Job& other)
{
    for (auto& [destination, peer] : job.peers) {
        unlist(*destination);
        destination->remove(peer);
    }
    order_.remove(job);
    order_.insert_before(job, other);
    for (auto& [destination, peer] : job.peers) {
        destination->add(peer);
        list(*destination);
    }
    if (job.message->unread() > 0)
        grant_recipients(job);
}

// Recipients in memory (SCHEDULER_README, "Dealing with memory resource limits").

// It overtook another while it is not read: half of the places that are free are its own.
void Transport::grant_recipients(Job& job)
{
    const std::size_t free = settings_.recipients.limit - std::min(settings_.recipients.limit, recipients_);
    const std::size_t extra = settings_.recipients.extra - std::min(settings_.recipients.extra, extra_granted_);
    const std::size_t granted = (free + extra) / 2;
    const std::size_t from_extra = std::min(granted, extra);
    job.granted += granted;
    job.granted_extra += from_extra;
    extra_granted_ += from_extra;
}

std::size_t Transport::refill(const ActiveMessage& message, TimePoint last_read) const
{
    auto found = jobs_.find(&message);
    if (found == jobs_.end() || message.unread() == 0)
        return 0;
    const Job& job = found->second;
    // The first job that is not read has all the places that are free, others what they were granted.
    std::size_t room = job.granted - std::min(job.granted, job.recipients);
    if (!unread_.empty() && *unread_.begin() == &job)
        room = std::max(room, settings_.recipients.limit - std::min(settings_.recipients.limit, recipients_));
    room = std::min(room, message.unread());
    const std::size_t worth_it = std::min(settings_.recipients.refill, message.unread());
    const bool in_time = surroundings_->now() < last_read + settings_.recipients.refill_delay;
    return room < worth_it && in_time ? 0 : room;
}

void Transport::read_completely(const ActiveMessage& message)
{
    auto found = jobs_.find(&message);
    if (found == jobs_.end())
        return;
    Job& job = found->second;
    unread_.erase(&job);
    extra_granted_ -= job.granted_extra;
    job.granted = job.granted_extra = 0;
    size_changed(job);
    drop_if_idle(job);
}

}  // namespace posthaste::qmgr
