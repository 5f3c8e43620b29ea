// transport.h — one transport: its jobs and destinations, whose turn it is, and the requests that its agent has.
//
// Jobs (messages) are served in order; what cannot be delivered now, because a destination takes no more, is passed
// over. Within a job destinations take turns. A small job may overtake a large one by the delivery slots that the large
// one has earned (SCHEDULER_README, "Preemptive scheduling"), so that a mailing does not hold up single messages. Mail
// that was deferred before gets at most three quarters of the agent: a queue full of slow destinations does not hold up
// new mail. A destination that dies, or an agent that cannot be reached, hands back what waits for it with the reason,
// which the queue manager turns into deferrals.
//
// The cost of a delivery is a few steps in sorted sets, whatever the number of jobs and destinations.
#pragma once

#include "config/config.h"
#include "daemon/qmgr/agent_link.h"
#include "daemon/qmgr/destination.h"

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace posthaste::qmgr {

// postconf(5) <transport>_destination_..., read once a snapshot.
struct TransportSettings {
    WindowSettings window;
    std::size_t recipient_limit = 50;  // recipients a delivery; 0: none. 1: destinations are recipients, not domains
    std::chrono::seconds destination_rate_delay{0};
    std::chrono::seconds transport_rate_delay{0};
    std::chrono::seconds dead_time{300};  // minimal_backoff_time
    std::chrono::seconds retry_time{60};  // transport_retry_time
    struct {
        std::size_t cost = 5;       // 0: no job overtakes another
        std::size_t loan = 3;       // slots
        std::size_t discount = 50;  // percent
        std::size_t minimum = 3;    // a job that never earns as many is not overtaken
    } slots;
    struct {
        std::size_t limit = 20000;  // in memory
        std::size_t extra = 1000;   // for jobs that overtook another
        std::size_t refill = 100;   // read at once
        std::chrono::seconds refill_delay{5};
    } recipients;
    bool feedback_debug = false;
    std::chrono::seconds clog_warn_time{300};  // 0: no warnings
    // A value that breaks its kind counts as not set, and is logged with what counts instead.
    static TransportSettings from(const config::Config& config, std::string_view transport);
};

// What the queue manager hears of a delivery that it handed to a transport. Exactly one of these calls ends it.
class DeliveryObserver {
public:
    virtual ~DeliveryObserver() = default;
    virtual void answered(std::unique_ptr<Delivery> delivery, const DeliveryReply& reply) = 0;
    // Not tried, and not to be tried now: "4.3.0", "mail transport unavailable".
    virtual void suspended(std::unique_ptr<Delivery> delivery, const std::string& transport, const std::string& code,
                           const std::string& reason) = 0;
    // The agent went away with it; nobody knows how far it came.
    virtual void lost(std::unique_ptr<Delivery> delivery, const std::string& transport, const std::string& nexthop) = 0;
};

// What a transport needs from outside. Outlives it; tests bring their own clock and agents.
struct TransportSurroundings {
    MakeAgentLink make_link;
    std::function<TimePoint()> now;
    std::function<void(TimePoint)> wake_at;  // asks for a keep_house() at that time
    DeliveryObserver* observer = nullptr;
};

// Owned by the Scheduler for the life of the process. Loop's thread only.
class Transport : public AgentLinkOwner {
public:
    Transport(std::string name, const TransportSettings& settings, const TransportSurroundings& surroundings);

    [[nodiscard]] const std::string& name() const { return name_; }
    void configure(const TransportSettings& settings);

    // Makes deliveries of the recipients, as many as recipient_limit asks for, and begins what may begin.
    void add(ActiveMessage& message, const std::string& nexthop, std::vector<RequestRecipient> recipients);
    // A delivery that was lost or suspended elsewhere.
    void add(std::unique_ptr<Delivery> delivery, const std::string& nexthop);
    // Takes out what waits for the message: it is removed or held.
    std::vector<std::unique_ptr<Delivery>> withdraw(const ActiveMessage& message);
    // `postqueue -f`: dead destinations and an unavailable agent are tried again.
    void revive();
    // Begins what has become possible with time.
    void look_at_clock();
    // The same; and forgets idle destinations and an idle connection. To be called about once a second.
    void keep_house();

    // How many more recipients of this message may come into memory on behalf of this transport; 0 if they are too few
    // to be worth the reading and the last ones were read less than recipient_refill_delay ago.
    [[nodiscard]] std::size_t refill(const ActiveMessage& message, TimePoint last_read) const;
    // Nothing is unread any more, or never will be read: the message is like any other.
    void read_completely(const ActiveMessage& message);
    // Logs which destinations have a large part of a full active queue (qmgr_clog_warn_time).
    void warn_of_clogs(std::size_t active, std::size_t active_limit);

    [[nodiscard]] std::size_t under_way() const { return under_way_.size(); }
    [[nodiscard]] std::size_t recipients() const { return recipients_; }

    void answered(DeliveryReply reply) override;
    void ended(const AgentLink& link, Stage stage, const Error& error) override;
    void leaving(const AgentLink& link, std::uint64_t last_received) override;

private:
    struct UnderWay {
        Destination* destination = nullptr;
        Job* job = nullptr;
        std::unique_ptr<Delivery> delivery;
        const AgentLink* link = nullptr;
    };
    using Interrupted = std::map<std::uint64_t, UnderWay>;
    struct ByTurn {
        bool operator()(const Peer* a, const Peer* b) const
        {
            return a->job->label != b->job->label ? a->job->label < b->job->label : a->turn < b->turn;
        }
    };
    struct OlderFirst {
        bool operator()(const Job* a, const Job* b) const;
    };

    // Jobs and destinations (transport_jobs.cc).
    Destination& destination(const std::string& key, const std::string& nexthop);
    [[nodiscard]] std::string key_of(const Delivery& delivery, const std::string& nexthop) const;
    Job& job_of(ActiveMessage& message);
    Peer& peer_of(Job& job, Destination& destination);
    void enqueue(Job& job, Destination& destination, std::unique_ptr<Delivery> delivery);
    void enqueue_again(UnderWay interrupted);
    std::vector<std::unique_ptr<Delivery>> take_out(Peer& peer);
    std::vector<std::unique_ptr<Delivery>> take_waiting(Destination& destination);
    void size_changed(Job& job);
    void left(Job& job, const Delivery& delivery);
    void drop_if_idle(Job& job);
    void list(Destination& destination);
    void unlist(Destination& destination);
    void rest(Destination& destination, TimePoint until);

    // Whose turn it is (transport_jobs.cc).
    [[nodiscard]] bool may_begin_retried() const;
    [[nodiscard]] Peer* first_ready() const;
    Peer* choose();
    [[nodiscard]] Peer* best_candidate(const Job& current, std::size_t slots) const;
    void overtake(Job& job, Job& other);
    void grant_recipients(Job& job);

    void add_waiting(std::unique_ptr<Delivery> delivery, const std::string& nexthop);
    void begin_deliveries();
    void send(Peer& peer);
    void end_of(const UnderWay& ended);
    void take_feedback(Destination& destination, const DeliveryReply& reply);
    void suspend(std::vector<std::unique_ptr<Delivery>> deliveries, const std::string& code, const std::string& reason);
    void suspend_waiting(Destination& destination);
    void put_back(Interrupted interrupted);
    // Takes out what went over this link and has no answer: the requests with a higher id.
    Interrupted take_interrupted(const AgentLink& link, std::uint64_t after);
    void attempt_failed(Stage stage, const Error& error);
    void agent_unavailable(const Error& error);

    std::string name_;
    TransportSettings settings_;
    const TransportSurroundings* surroundings_;
    std::unordered_map<std::string, std::unique_ptr<Destination>> destinations_;
    std::unordered_map<const ActiveMessage*, Job> jobs_;
    JobOrder order_;
    // What may begin now: of each destination that takes more, the first peer of each band.
    std::array<std::set<Peer*, ByTurn>, bands> ready_;
    std::uint64_t ready_bands_ = 0;  // a bit for each of ready_ that has something
    std::set<std::pair<TimePoint, Destination*>> resting_;
    std::set<Job*, OlderFirst> unread_;  // jobs of messages that are not read to the end
    std::size_t recipients_ = 0;         // in memory
    std::size_t extra_granted_ = 0;
    std::uint64_t next_turn_ = 1;
    std::map<std::uint64_t, UnderWay> under_way_;  // by request id
    std::size_t retried_under_way_ = 0;
    std::unique_ptr<AgentLink> link_;
    std::vector<std::unique_ptr<AgentLink>> leaving_links_;  // of agents that finish what they have
    std::unique_ptr<AgentLink> ended_link_;                  // its coroutine may still be on the stack
    std::uint64_t next_id_ = 1;
    std::size_t capacity_;  // of the agent
    unsigned failed_attempts_ = 0;
    TimePoint link_not_before_{};
    TimePoint unavailable_until_{};
    TimePoint rest_until_{};  // transport_rate_delay
    TimePoint last_answer_{};
};

}  // namespace posthaste::qmgr
