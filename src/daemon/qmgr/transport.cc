// transport.cc — see transport.h.
#include "daemon/qmgr/transport.h"

#include "address/verp.h"
#include "base/text.h"
#include "log/log.h"
#include "param/qmgr.h"
#include "param/rewrite.h"

#include <algorithm>
#include <fmt/format.h>
#include <ranges>

namespace posthaste::qmgr {

namespace {

namespace param = posthaste::param;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Requests that an agent has at once: what it works on, and some more, so that it never waits for the next ones.
constexpr std::size_t usual_capacity = 100;  // default_process_limit; each answer tells
constexpr std::size_t most_under_way(std::size_t capacity) { return capacity + capacity / 4 + 10; }

// A destination that has a fifth of a full active queue is worth a warning.
constexpr std::size_t clogging_part = 5;
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
    return address::verp_sender(envelope.sender, envelope.verp_delimiters, delivery.recipients.front().address);
}

// The parameters of one transport. One whose value cannot be understood counts as if it were not set; the log says so.
class Settings {
public:
    Settings(const config::Config& config, std::string_view transport) : config_(config), transport_(transport) {}

    template<class T>
    T get(const config::Family<config::Parameter<T>>& family) const
    {
        auto value = config_.get_for(transport_, family);
        if (value)
            return std::move(*value);
        say_what_counts(value.error(), family);
        return config_.get(family.fallback);
    }

    std::size_t count(const config::Family<config::IntParameter>& family) const
    {
        return static_cast<std::size_t>(std::max(get(family), 0));
    }

    Feedback feedback(const config::Family<config::StringParameter>& family) const
    {
        auto own = Feedback::parse(get(family));
        if (own)
            return *own;
        const config::FamilyDeclaration& declaration = config::families()[family.index];
        std::string name = fmt::format("{}_{}", transport_, declaration.suffix);
        if (!config_.place(name))
            name = declaration.fallback;
        const config::Place place = config_.place(name).value_or(config::Place());
        const Error error = std::move(own).error().in(fmt::format("{}: {}", place.text(), name));
        if (auto general = Feedback::parse(config_.get(family.fallback))) {
            say_what_counts(error, family);
            return *general;
        }
        log::warning("transport {}: {}; 1 counts instead", transport_, error.text());
        return {};
    }

private:
    template<class T>
    void say_what_counts(const Error& error, const config::Family<T>& family) const
    {
        const std::string_view name = config::families()[family.index].fallback;
        const auto value = config_.value_of(name);
        log::warning("transport {}: {}; {} = {} counts instead", transport_, error.text(), name,
                     value ? value->value_or("") : "");
    }

    const config::Config& config_;
    std::string_view transport_;
};

RequestKind kind_of(const ActiveMessage& message)
{
    switch (message.envelope().trace) {
    case queue::Trace::None:
        return message.confirms_delay_cleared ? RequestKind::RecordAndDeliver : RequestKind::Deliver;
    case queue::Trace::Report: return RequestKind::TraceAndDeliver;
    case queue::Trace::Verify: return RequestKind::TraceOnly;
    case queue::Trace::AddressProbe: return RequestKind::Verify;
    }
    return RequestKind::Deliver;
}

}  // namespace

TransportSettings TransportSettings::from(const config::Config& config, std::string_view transport)
{
    TransportSettings settings;
    namespace family = param::per_service;
    const Settings own(config, transport);
    settings.window.initial = own.get(family::initial_destination_concurrency);
    settings.window.limit = own.get(family::destination_concurrency_limit);
    settings.window.failed_cohort_limit = own.get(family::destination_concurrency_failed_cohort_limit);
    settings.window.positive = own.feedback(family::destination_concurrency_positive_feedback);
    settings.window.negative = own.feedback(family::destination_concurrency_negative_feedback);
    settings.recipient_limit = own.count(family::destination_recipient_limit);
    settings.destination_rate_delay = own.get(family::destination_rate_delay);
    settings.transport_rate_delay = own.get(family::transport_rate_delay);
    if (settings.destination_rate_delay.count() > 0)
        settings.window.initial = settings.window.limit = 1;
    settings.dead_time = config.get(param::minimal_backoff_time);
    settings.retry_time = config.get(param::transport_retry_time);
    settings.slots.cost = own.count(family::delivery_slot_cost);
    settings.slots.loan = own.count(family::delivery_slot_loan);
    settings.slots.discount = own.count(family::delivery_slot_discount);
    settings.slots.minimum = own.count(family::minimum_delivery_slots);
    settings.recipients.limit = own.count(family::recipient_limit);
    settings.recipients.extra = own.count(family::extra_recipient_limit);
    settings.recipients.refill = own.count(family::recipient_refill_limit);
    settings.recipients.refill_delay = own.get(family::recipient_refill_delay);
    settings.feedback_debug = config.get(param::destination_concurrency_feedback_debug);
    settings.clog_warn_time = config.get(param::helpful_warnings) ? config.get(param::qmgr_clog_warn_time) : seconds(0);
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
    // All of them before the first is added, which may end at once.
    message.outstanding += recipients.empty() ? 0 : 1 + (recipients.size() - 1) / most;
    for (std::size_t begin = 0; begin < recipients.size(); begin += most) {
        auto delivery = std::make_unique<Delivery>();
        delivery->message = &message;
        delivery->losses = message.notes.losses;
        std::size_t end = std::min(begin + most, recipients.size());
        delivery->recipients.assign(std::move_iterator(recipients.begin() + static_cast<std::ptrdiff_t>(begin)),
                                    std::move_iterator(recipients.begin() + static_cast<std::ptrdiff_t>(end)));
        add_waiting(std::move(delivery), nexthop);
    }
    begin_deliveries();
}

void Transport::add(std::unique_ptr<Delivery> delivery, const std::string& nexthop)
{
    add_waiting(std::move(delivery), nexthop);
    begin_deliveries();
}

void Transport::add_waiting(std::unique_ptr<Delivery> delivery, const std::string& nexthop)
{
    const TimePoint now = surroundings_->now();
    if (now < unavailable_until_) {
        surroundings_->observer->suspended(std::move(delivery), name_, "4.3.0", "mail transport unavailable");
        return;
    }
    Destination& where = destination(key_of(*delivery, nexthop), nexthop);
    if (where.is_dead() && now >= where.dead_until())
        where.revive(settings_.window);
    Job& job = job_of(*delivery->message);
    enqueue(job, where, std::move(delivery));
    if (where.is_dead())
        suspend_waiting(where);
}

void Transport::begin_deliveries()
{
    const TimePoint now = surroundings_->now();
    if (now < link_not_before_)
        return;
    while (under_way_.size() < most_under_way(capacity_) && now >= rest_until_) {
        Peer* next = choose();
        if (next == nullptr)
            return;
        send(*next);
        if (settings_.transport_rate_delay.count() > 0) {
            rest_until_ = now + settings_.transport_rate_delay;
            surroundings_->wake_at(rest_until_);
        }
    }
}

void Transport::send(Peer& peer)
{
    if (!link_)
        link_ = surroundings_->make_link(name_, *this);
    Job& job = *peer.job;
    Destination& destination = *peer.destination;
    unlist(destination);
    std::unique_ptr<Delivery> delivery = peer.take();
    if (peer.empty()) {
        destination.remove(peer);
        job.peers.erase(&destination);
    } else {
        peer.turn = next_turn_++;
    }
    --job.waiting;
    ++job.under_way;
    ++job.selected;
    retried_under_way_ += is_retried(job.band) ? 1 : 0;
    size_changed(job);
    destination.begin();
    list(destination);
    const ActiveMessage& message = *delivery->message;
    DeliveryRequest request{.id = next_id_++,
                            .message = message.ref().text(),
                            .transport = name_,
                            .nexthop = destination.nexthop(),
                            .sender = sender_of(*delivery),
                            .kind = kind_of(message),
                            .active_since = message.active_since(),
                            .agent_requested = microseconds_now(),
                            .recipients = delivery->recipients};
    under_way_.emplace(
        request.id,
        UnderWay{.destination = &destination, .job = &job, .delivery = std::move(delivery), .link = link_.get()});
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
    failed_attempts_ = 0;
    last_answer_ = surroundings_->now();
    if (reply.capacity > 0)
        capacity_ = reply.capacity;
    end_of(ended);
    Destination& where = *ended.destination;
    const bool was_dead = where.is_dead();
    take_feedback(where, reply);
    surroundings_->observer->answered(std::move(ended.delivery), reply);
    if (!was_dead && where.is_dead())
        suspend_waiting(where);
    begin_deliveries();
}

// A delivery is not under way any more, however it ended.
void Transport::end_of(const UnderWay& ended)
{
    Job& job = *ended.job;
    --job.under_way;
    retried_under_way_ -= is_retried(job.band) ? 1 : 0;
    left(job, *ended.delivery);
    drop_if_idle(job);
}

void Transport::take_feedback(Destination& where, const DeliveryReply& reply)
{
    const TimePoint now = last_answer_;
    const int before = where.window().size();
    unlist(where);
    if (reply.destination_problem.empty())
        where.ended_well(settings_.window);
    else
        where.ended_badly(settings_.window, reply.destination_problem_code, reply.destination_problem,
                          now + settings_.dead_time);
    if (settings_.feedback_debug)
        log::info("feedback: {}/{}: {}, concurrency {} -> {}, under way {}, {}", name_, where.nexthop(),
                  reply.destination_problem.empty() ? "success" : "failure", before, where.window().size(),
                  where.under_way(), where.window().state());
    if (where.under_way() == 0 && !where.has_waiting()) {
        where.idle_since = now;
        // Failures count against a destination that has work; single ones over hours do not add up to a dead site.
        if (!reply.destination_problem.empty() && !where.is_dead())
            where.revive(settings_.window);
    }
    if (settings_.destination_rate_delay.count() > 0)
        rest(where, now + settings_.destination_rate_delay);
    list(where);
}

void Transport::suspend(std::vector<std::unique_ptr<Delivery>> deliveries, const std::string& code,
                        const std::string& reason)
{
    for (auto& delivery : deliveries)
        surroundings_->observer->suspended(std::move(delivery), name_, code, reason);
}

void Transport::suspend_waiting(Destination& destination)
{
    const std::string code = destination.problem_code().empty() ? "4.3.0" : destination.problem_code();
    const std::string reason = "delivery temporarily suspended: " + destination.problem();
    suspend(take_waiting(destination), code, reason);
}

Transport::Interrupted Transport::take_interrupted(const AgentLink& link, std::uint64_t after)
{
    Interrupted taken;
    for (auto each = under_way_.upper_bound(after); each != under_way_.end();) {
        auto next = std::next(each);
        if (each->second.link == &link) {
            Destination& where = *each->second.destination;
            unlist(where);
            where.interrupted();
            list(where);
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
            end_of(each);
            ++each.delivery->losses;
            surroundings_->observer->lost(std::move(each.delivery), name_, each.destination->nexthop());
        }
    } else {
        put_back(std::move(interrupted));
    }
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
        if (unavailable) {
            end_of(each);
            surroundings_->observer->suspended(std::move(each.delivery), name_, "4.3.0", "mail transport unavailable");
            continue;
        }
        Destination& where = *each.destination;
        enqueue_again(std::move(each));
        if (where.is_dead())  // since it was sent; nothing begins there until more mail comes for it
            suspend_waiting(where);
    }
}

void Transport::agent_unavailable(const Error& error)
{
    unavailable_until_ = surroundings_->now() + settings_.retry_time;
    failed_attempts_ = 0;
    log::warning("connect to transport private/{}: {}", name_, error.text());
    for (auto& [key, destination] : destinations_)
        suspend(take_waiting(*destination), "4.3.0", "mail transport unavailable");
}

std::vector<std::unique_ptr<Delivery>> Transport::withdraw(const ActiveMessage& message)
{
    std::vector<std::unique_ptr<Delivery>> withdrawn;
    auto found = jobs_.find(&message);
    if (found == jobs_.end())
        return withdrawn;
    std::vector<Peer*> peers;
    for (auto& [destination, peer] : found->second.peers)
        peers.push_back(&peer);
    for (Peer* peer : peers)
        std::ranges::move(take_out(*peer), std::back_inserter(withdrawn));
    return withdrawn;
}

void Transport::revive()
{
    unavailable_until_ = link_not_before_ = TimePoint{};
    for (auto& [key, destination] : destinations_) {
        if (!destination->is_dead())
            continue;
        destination->revive(settings_.window);
        list(*destination);
    }
    begin_deliveries();
}

void Transport::look_at_clock()
{
    const TimePoint now = surroundings_->now();
    while (!resting_.empty() && resting_.begin()->first <= now) {
        Destination& rested = *resting_.begin()->second;
        resting_.erase(resting_.begin());
        rested.is_resting = false;
        if (rested.rests_until() > now)
            rest(rested, rested.rests_until());
        else
            list(rested);
    }
    begin_deliveries();
}

void Transport::keep_house()
{
    look_at_clock();
    const TimePoint now = surroundings_->now();
    std::erase_if(destinations_, [now](const auto& entry) {
        const Destination& destination = *entry.second;
        if (destination.under_way() > 0 || destination.has_waiting() || destination.is_resting)
            return false;
        return destination.is_dead() ? now >= destination.dead_until()
                                     : now >= destination.idle_since + idle_destination_time;
    });
    if (link_ && under_way_.empty() && now >= last_answer_ + idle_link_time)
        link_.reset();
}

// The first line as other programs know it; postconf(5) qmgr_clog_warn_time.
void Transport::warn_of_clogs(std::size_t active, std::size_t active_limit)
{
    if (settings_.clog_warn_time.count() == 0)
        return;
    const TimePoint now = surroundings_->now();
    for (auto& [key, destination] : destinations_) {
        const std::size_t part = destination->count_waiting() + destination->under_way();
        if (part * clogging_part < active_limit || now < destination->warned_of_clog)
            continue;
        destination->warned_of_clog = now + settings_.clog_warn_time;
        log::warning("mail for {} is using up {} of {} active queue entries", destination->nexthop(), part, active);
        log::warning("you may need to raise {}_destination_concurrency_limit from {}, to shorten the timeouts of "
                     "service {}, or to give that destination a transport of its own",
                     name_, settings_.window.limit, name_);
        log::warning("to turn off these warnings specify: qmgr_clog_warn_time = 0");
    }
}

}  // namespace posthaste::qmgr
