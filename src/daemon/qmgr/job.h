// job.h — one message within one transport (SCHEDULER_README: job): what of it waits, by destination, where it stands
// in the transport's order, and the slots by which other messages may overtake it.
//
// Jobs stand in the order in which their messages became active. One that may overtake another is moved in front of it.
// A place is a number (`label`), so that sets of waiting work are sorted by it: which job is first among those that can
// be delivered now is found without looking at those that cannot.
#pragma once

#include "daemon/qmgr/active_message.h"
#include "net/loop.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace posthaste::qmgr {

using TimePoint = net::Clock::time_point;

class Destination;
struct Job;

// What waits of one job for one destination (SCHEDULER_README: peer), in order. Exists while something waits.
class Peer {
public:
    Peer(Job& job, Destination& destination, std::uint64_t turn) : job(&job), destination(&destination), turn(turn) {}

    [[nodiscard]] bool empty() const { return next_ == deliveries_.size(); }
    [[nodiscard]] std::size_t size() const { return deliveries_.size() - next_; }
    void add(std::unique_ptr<Delivery> delivery) { deliveries_.push_back(std::move(delivery)); }
    // Back to the head: it was under way and the agent did not take it.
    void put_back(std::unique_ptr<Delivery> delivery);
    std::unique_ptr<Delivery> take() { return std::move(deliveries_[next_++]); }
    std::vector<std::unique_ptr<Delivery>> take_all();

    Job* job;
    Destination* destination;
    std::uint64_t turn;  // when it was served last: peers of one job take turns. Unique in a transport

private:
    std::vector<std::unique_ptr<Delivery>> deliveries_;
    std::size_t next_ = 0;
};

// Jobs of one band are compared by their order alone: new mail and mail that was deferred before stand apart, and so do
// sizes, by powers of two. A small job is found behind ten thousand large ones by looking at the first of each band.
// The size is that of the whole job, so that a large one does not hide small ones of its band when little of it is
// left.
using Band = unsigned;
inline constexpr Band size_classes = 24;
inline constexpr Band bands = 2 * size_classes;
Band band_of(const ActiveMessage& message, std::size_t size);
constexpr bool is_retried(Band band) { return band >= size_classes; }

// Owned by its Transport while deliveries wait or are under way, or recipients of the message are not read yet.
struct Job {
    explicit Job(ActiveMessage& of, TimePoint now) : message(&of), since(now) {}

    // Deliveries that are still to be made; recipients that are not read yet count as one each, the most they can make.
    [[nodiscard]] std::size_t size() const { return waiting + message->unread(); }
    [[nodiscard]] std::size_t total_size() const { return selected + size(); }

    ActiveMessage* message;
    TimePoint since;
    std::map<Destination*, Peer> peers;
    Band band = 0;
    std::size_t waiting = 0;     // deliveries
    std::size_t under_way = 0;   // deliveries
    std::size_t recipients = 0;  // of both
    // Delivery slots (SCHEDULER_README): one is earned with each slot_cost deliveries that were selected.
    std::size_t selected = 0;
    std::size_t slots_used = 0;
    // Places for recipients in memory that it got when it overtook another, and how many of them are from the reserve.
    std::size_t granted = 0;
    std::size_t granted_extra = 0;

    std::uint64_t label = 0;  // its place, written by JobOrder
    Job* before = nullptr;
    Job* behind = nullptr;
};

// The order of a transport's jobs. Does not own them.
class JobOrder {
public:
    void append(Job& job);
    void insert_before(Job& job, Job& other);
    void remove(Job& job);

private:
    void renumber();

    Job* first_ = nullptr;
    Job* last_ = nullptr;
};

}  // namespace posthaste::qmgr
