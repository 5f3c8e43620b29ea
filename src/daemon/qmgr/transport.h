// transport.h — one transport: its destinations, whose turn it is, and the requests that its agent has.
//
// Destinations with something to do take turns (round robin), so that a large list for one destination does not hold
// up the others. A destination that dies, or an agent that cannot be reached, hands back what waits for it with the
// reason, which the queue manager turns into deferrals.
#pragma once

#include "config/config.h"
#include "daemon/qmgr/agent_link.h"
#include "daemon/qmgr/destination.h"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
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
    // Invalid: a value breaks its kind.
    static Result<TransportSettings> from(const config::Config& config, std::string_view transport);
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
    // Begins what has become possible with time, forgets idle destinations and an idle connection.
    void keep_house();

    [[nodiscard]] std::size_t under_way() const { return under_way_.size(); }
    [[nodiscard]] const Destination* find(const std::string& key) const;

    void answered(DeliveryReply reply) override;
    void ended(const AgentLink& link, Stage stage, const Error& error) override;
    void leaving(const AgentLink& link, std::uint64_t last_received) override;

private:
    struct UnderWay {
        Destination* destination = nullptr;
        std::unique_ptr<Delivery> delivery;
        const AgentLink* link = nullptr;
    };
    using Interrupted = std::map<std::uint64_t, UnderWay>;
    Destination& destination(const std::string& key, const std::string& nexthop);
    [[nodiscard]] std::string key_of(const Delivery& delivery, const std::string& nexthop) const;
    void take_turn(Destination& destination);
    void begin_deliveries();
    void send(Destination& destination);
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
    std::deque<Destination*> turns_;
    std::map<std::uint64_t, UnderWay> under_way_;  // by request id
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
