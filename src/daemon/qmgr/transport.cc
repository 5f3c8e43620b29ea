// transport.cc — see transport.h.
#include "daemon/qmgr/transport.h"

#include "base/text.h"
#include "daemon/qmgr/verp.h"
#include "log/log.h"
#include "param/qmgr.h"

#include <algorithm>
#include <ranges>

namespace posthaste::qmgr {

namespace {

namespace param = posthaste::param;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Requests that an agent has at once: what it works on, and some more, so that it never waits for the next ones.
constexpr std::size_t usual_capacity = 100;  // default_process_limit; each answer tells
constexpr std::size_t most_under_way(std::size_t capacity) { return capacity + capacity / 4 + 10; }

constexpr seconds idle_destination_time{60};  // how long an idle destination's window is remembered
constexpr seconds idle_link_time{90};         // an agent without a client may leave (max_idle)
// An agent that is being restarted is away for a moment; only then the transport counts as unavailable.
constexpr unsigned quick_attempts = 4;
constexpr milliseconds quick_retry{250};

std::int64_t microseconds_now()
{
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

bool wants_verp(const ActiveMessage& message)
{
    return message.envelope().verp_delimiters.size() == 2 && !message.envelope().sender.empty();
}

std::string sender_of(const Delivery& delivery)
{
    const queue::Envelope& envelope = delivery.message->envelope();
    if (!wants_verp(*delivery.message))
        return envelope.sender;
    return verp_sender(envelope.sender, envelope.verp_delimiters, delivery.recipients.front().address);
}

RequestKind kind_of(queue::Trace trace)
{
    switch (trace) {
    case queue::Trace::None: return RequestKind::Deliver;
    case queue::Trace::Report: return RequestKind::TraceAndDeliver;
    case queue::Trace::Verify: return RequestKind::TraceOnly;
    case queue::Trace::AddressProbe: return RequestKind::Verify;
    }
    return RequestKind::Deliver;
}

}  // namespace

Result<TransportSettings> TransportSettings::from(const config::Config& config, std::string_view transport)
{
    TransportSettings settings;
    namespace family = param::per_service;
    TRY(settings.window.initial, config.get_for(transport, family::initial_destination_concurrency));
    TRY(settings.window.limit, config.get_for(transport, family::destination_concurrency_limit));
    TRY(settings.window.failed_cohort_limit,
        config.get_for(transport, family::destination_concurrency_failed_cohort_limit));
    TRY(std::string positive, config.get_for(transport, family::destination_concurrency_positive_feedback));
    TRY(std::string negative, config.get_for(transport, family::destination_concurrency_negative_feedback));
    TRY(settings.window.positive, Feedback::parse(positive));
    TRY(settings.window.negative, Feedback::parse(negative));
    TRY(int recipients, config.get_for(transport, family::destination_recipient_limit));
    settings.recipient_limit = static_cast<std::size_t>(std::max(recipients, 0));
    TRY(settings.destination_rate_delay, config.get_for(transport, family::destination_rate_delay));
    TRY(settings.transport_rate_delay, config.get_for(transport, family::transport_rate_delay));
    if (settings.destination_rate_delay.count() > 0)
        settings.window.initial = settings.window.limit = 1;
    settings.dead_time = config.get(param::minimal_backoff_time);
    settings.retry_time = config.get(param::transport_retry_time);
    return settings;
}

Transport::Transport(std::string name, const TransportSettings& settings, const TransportSurroundings& surroundings)
    : name_(std::move(name)), settings_(settings), surroundings_(&surroundings), capacity_(usual_capacity)
{
}

void Transport::configure(const TransportSettings& settings) { settings_ = settings; }

void Transport::add(ActiveMessage& message, const std::string& nexthop, std::vector<RequestRecipient> recipients)
{
    std::size_t most = settings_.recipient_limit == 0 ? recipients.size() : settings_.recipient_limit;
    if (wants_verp(message))
        most = 1;  // each has a sender of its own
    std::vector<std::unique_ptr<Delivery>> deliveries;
    for (std::size_t begin = 0; begin < recipients.size(); begin += most) {
        auto delivery = std::make_unique<Delivery>();
        delivery->message = &message;
        std::size_t end = std::min(begin + most, recipients.size());
        delivery->recipients.assign(std::move_iterator(recipients.begin() + static_cast<std::ptrdiff_t>(begin)),
                                    std::move_iterator(recipients.begin() + static_cast<std::ptrdiff_t>(end)));
        deliveries.push_back(std::move(delivery));
    }
    message.outstanding += deliveries.size();
    for (auto& delivery : deliveries)
        add(std::move(delivery), nexthop);
}

// postconf(5) default_destination_recipient_limit: with 1, concurrency is counted per recipient.
std::string Transport::key_of(const Delivery& delivery, const std::string& nexthop) const
{
    if (settings_.recipient_limit == 1 && delivery.recipients.size() == 1)
        return to_lower(delivery.recipients.front().address + " " + nexthop);
    return to_lower(nexthop);
}

Destination& Transport::destination(const std::string& key, const std::string& nexthop)
{
    auto& place = destinations_[key];
    if (!place)
        place = std::make_unique<Destination>(nexthop, settings_.window);
    return *place;
}

const Destination* Transport::find(const std::string& key) const
{
    auto found = destinations_.find(key);
    return found == destinations_.end() ? nullptr : found->second.get();
}

void Transport::add(std::unique_ptr<Delivery> delivery, const std::string& nexthop)
{
    const TimePoint now = surroundings_->now();
    if (now < unavailable_until_) {
        surroundings_->observer->suspended(std::move(delivery), name_, "4.3.0", "mail transport unavailable");
        return;
    }
    Destination& where = destination(key_of(*delivery, nexthop), nexthop);
    if (where.is_dead() && now >= where.dead_until())
        where.revive(settings_.window);
    where.add(std::move(delivery));
    if (where.is_dead()) {
        suspend_waiting(where);
        return;
    }
    take_turn(where);
    begin_deliveries();
}

void Transport::take_turn(Destination& destination)
{
    if (destination.in_turn || !destination.may_begin(surroundings_->now()))
        return;
    destination.in_turn = true;
    turns_.push_back(&destination);
}

void Transport::begin_deliveries()
{
    const TimePoint now = surroundings_->now();
    if (now < link_not_before_)
        return;
    while (!turns_.empty() && under_way_.size() < most_under_way(capacity_) && now >= rest_until_) {
        Destination& next = *turns_.front();
        turns_.pop_front();
        next.in_turn = false;
        if (!next.may_begin(now))
            continue;
        send(next);
        take_turn(next);
        if (settings_.transport_rate_delay.count() > 0) {
            rest_until_ = now + settings_.transport_rate_delay;
            surroundings_->wake_at(rest_until_);
        }
    }
}

void Transport::send(Destination& destination)
{
    if (!link_)
        link_ = surroundings_->make_link(name_, *this);
    std::unique_ptr<Delivery> delivery = destination.begin();
    const ActiveMessage& message = *delivery->message;
    DeliveryRequest request{.id = next_id_++,
                            .message = message.ref().text(),
                            .transport = name_,
                            .nexthop = destination.nexthop(),
                            .sender = sender_of(*delivery),
                            .kind = kind_of(message.envelope().trace),
                            .active_since = message.active_since(),
                            .agent_requested = microseconds_now(),
                            .recipients = delivery->recipients};
    under_way_.emplace(request.id,
                       UnderWay{.destination = &destination, .delivery = std::move(delivery), .link = link_.get()});
    link_->send(request);
}

void Transport::answered(DeliveryReply reply)
{
    auto found = under_way_.find(reply.id);
    if (found == under_way_.end()) {
        log::warning("transport {}: unexpected answer to request {}", name_, reply.id);  // a bug of the agent
        return;
    }
    UnderWay ended = std::move(found->second);
    under_way_.erase(found);
    const TimePoint now = surroundings_->now();
    failed_attempts_ = 0;
    last_answer_ = now;
    if (reply.capacity > 0)
        capacity_ = reply.capacity;
    Destination& where = *ended.destination;
    bool died = false;
    if (reply.destination_problem.empty())
        where.ended_well(settings_.window);
    else
        died = where.ended_badly(settings_.window, reply.destination_problem_code, reply.destination_problem,
                                 now + settings_.dead_time);
    if (settings_.destination_rate_delay.count() > 0) {
        where.rest_until(now + settings_.destination_rate_delay);
        surroundings_->wake_at(where.rests_until());
    }
    if (where.under_way() == 0 && !where.has_waiting()) {
        where.idle_since = now;
        // Failures count against a destination that has work; single ones over hours do not add up to a dead site.
        if (!reply.destination_problem.empty() && !where.is_dead())
            where.revive(settings_.window);
    }
    surroundings_->observer->answered(std::move(ended.delivery), reply);
    if (died)
        suspend_waiting(where);
    take_turn(where);
    begin_deliveries();
}

void Transport::suspend_waiting(Destination& destination)
{
    const std::string code = destination.problem_code().empty() ? "4.3.0" : destination.problem_code();
    const std::string reason = "delivery temporarily suspended: " + destination.problem();
    for (auto& delivery : destination.take_waiting())
        surroundings_->observer->suspended(std::move(delivery), name_, code, reason);
}

Transport::Interrupted Transport::take_interrupted(const AgentLink& link, std::uint64_t after)
{
    Interrupted taken;
    for (auto each = under_way_.upper_bound(after); each != under_way_.end();) {
        auto next = std::next(each);
        if (each->second.link == &link) {
            each->second.destination->interrupted();
            taken.insert(under_way_.extract(each));
        }
        each = next;
    }
    return taken;
}

void Transport::leaving(const AgentLink& link, std::uint64_t last_received)
{
    if (link_.get() != &link)
        return;
    leaving_links_.push_back(std::move(link_));
    put_back(take_interrupted(link, last_received));
    for (auto& [key, destination] : destinations_)
        take_turn(*destination);
    begin_deliveries();
}

void Transport::ended(const AgentLink& link, Stage stage, const Error& error)
{
    auto interrupted = take_interrupted(link, 0);
    if (auto left = std::ranges::find(leaving_links_, &link, &std::unique_ptr<AgentLink>::get);
        left != leaving_links_.end()) {
        ended_link_ = std::move(*left);
        leaving_links_.erase(left);
    } else {
        ended_link_ = std::move(link_);
        attempt_failed(stage, error);
    }
    if (stage == Stage::Established && !interrupted.empty())
        log::info("transport {}: the agent went away with {} deliveries under way: {}", name_, interrupted.size(),
                  error.text());
    if (stage == Stage::Established) {
        for (auto& [id, each] : interrupted) {
            ++each.delivery->losses;
            surroundings_->observer->lost(std::move(each.delivery), name_, each.destination->nexthop());
        }
    } else {
        put_back(std::move(interrupted));
    }
    for (auto& [key, destination] : destinations_)
        take_turn(*destination);
    begin_deliveries();
}

void Transport::attempt_failed(Stage stage, const Error& error)
{
    ++failed_attempts_;
    const bool will_not_come =
        stage == Stage::Connecting && (error.kind() == ErrorKind::NotFound || error.kind() == ErrorKind::Timeout);
    if (failed_attempts_ >= quick_attempts || will_not_come) {
        agent_unavailable(error);
    } else if (failed_attempts_ > 1 || stage == Stage::Connecting) {
        link_not_before_ = surroundings_->now() + quick_retry * failed_attempts_;
        surroundings_->wake_at(link_not_before_);
    }
}

// No agent has read them.
void Transport::put_back(Interrupted interrupted)
{
    const bool unavailable = unavailable_until_ > surroundings_->now();
    for (auto& [id, each] : std::views::reverse(interrupted)) {  // each goes to the head: the first one last
        if (unavailable)
            surroundings_->observer->suspended(std::move(each.delivery), name_, "4.3.0", "mail transport unavailable");
        else
            each.destination->put_back(std::move(each.delivery));
    }
}

void Transport::agent_unavailable(const Error& error)
{
    unavailable_until_ = surroundings_->now() + settings_.retry_time;
    failed_attempts_ = 0;
    log::warning("connect to transport private/{}: {}", name_, error.text());
    turns_.clear();
    for (auto& [key, destination] : destinations_) {
        destination->in_turn = false;
        for (auto& delivery : destination->take_waiting())
            surroundings_->observer->suspended(std::move(delivery), name_, "4.3.0", "mail transport unavailable");
    }
}

std::vector<std::unique_ptr<Delivery>> Transport::withdraw(const ActiveMessage& message)
{
    std::vector<std::unique_ptr<Delivery>> withdrawn;
    for (auto& [key, destination] : destinations_) {
        if (!destination->has_waiting())
            continue;
        for (auto& delivery : destination->take_waiting()) {
            if (delivery->message == &message)
                withdrawn.push_back(std::move(delivery));
            else
                destination->add(std::move(delivery));
        }
    }
    return withdrawn;
}

void Transport::revive()
{
    unavailable_until_ = link_not_before_ = TimePoint{};
    for (auto& [key, destination] : destinations_) {
        if (destination->is_dead())
            destination->revive(settings_.window);
        take_turn(*destination);
    }
    begin_deliveries();
}

void Transport::keep_house()
{
    const TimePoint now = surroundings_->now();
    for (auto each = destinations_.begin(); each != destinations_.end();) {
        Destination& destination = *each->second;
        const bool idle = destination.under_way() == 0 && !destination.has_waiting() && !destination.in_turn;
        const bool forgotten = destination.is_dead() ? now >= destination.dead_until()
                                                     : now >= destination.idle_since + idle_destination_time;
        if (idle && forgotten) {
            each = destinations_.erase(each);
            continue;
        }
        take_turn(destination);
        ++each;
    }
    begin_deliveries();
    if (link_ && under_way_.empty() && now >= last_answer_ + idle_link_time)
        link_.reset();
}

}  // namespace posthaste::qmgr
