// scheduler_test.cc — order, limits and failures, with a clock and agents of the test's own.
#include "daemon/qmgr/scheduler.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::qmgr {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Remembers what it was sent; answers when the test says so.
struct FakeLink : AgentLink {
    explicit FakeLink(std::vector<DeliveryRequest>& sent) : sent_(&sent) {}
    void send(const DeliveryRequest& request) override { sent_->push_back(request); }
    std::vector<DeliveryRequest>* sent_;
};

struct Observer : DeliveryObserver {
    std::vector<std::unique_ptr<Delivery>> done;
    std::vector<std::string> suspensions;
    std::vector<std::unique_ptr<Delivery>> gone;

    void answered(std::unique_ptr<Delivery> delivery, const DeliveryReply&) override
    {
        done.push_back(std::move(delivery));
    }
    void suspended(std::unique_ptr<Delivery>, const std::string& transport, const std::string& code,
                   const std::string& reason) override
    {
        suspensions.push_back(transport + ": " + code + " " + reason);
    }
    void lost(std::unique_ptr<Delivery> delivery, const std::string&, const std::string&) override
    {
        gone.push_back(std::move(delivery));
    }
};

class SchedulerTest : public testing::Test {
protected:
    void use(const std::string& settings)
    {
        auto config =
            config::load_text("myhostname = mail.test\ninet_interfaces = 127.0.0.1\n" + settings, "main.cf", {});
        ASSERT_TRUE(config) << config.error().text();
        scheduler = std::make_unique<Scheduler>(
            *config,
            [this](const std::string& transport, AgentLinkOwner& owner) {
                owners[transport] = &owner;
                auto link = std::make_unique<FakeLink>(sent);
                links[transport] = link.get();
                return link;
            },
            observer, [this] { return now; });
    }

    // The messages whose deliveries were sent, in this order, one digit each.
    [[nodiscard]] std::string order_sent() const
    {
        std::string order;
        for (const DeliveryRequest& request : sent)
            order += queue::MessageRef::parse(request.message)->queue_id.substr(2);
        return order;
    }
    void deliver_all()
    {
        while (answered < sent.size())
            answer();
    }

    ActiveMessage& message(std::size_t recipients, const std::string& domain, queue::Envelope envelope = {})
    {
        queue::LoadedMessage stored;
        stored.envelope = std::move(envelope);
        stored.ref.queue_id = "ID" + std::to_string(messages.size());
        for (std::size_t i = 0; i < recipients; ++i)
            stored.envelope.recipients.push_back({.address = "u" + std::to_string(i) + "@" + domain});
        stored.marks.resize(recipients);
        messages.push_back(std::make_unique<ActiveMessage>(std::move(stored), 0));
        return *messages.back();
    }

    void schedule(std::size_t recipients, const std::string& domain, const std::string& transport = "smtp",
                  bool was_deferred = false)
    {
        ActiveMessage& made = message(recipients, domain);
        made.was_deferred = was_deferred;
        std::vector<RoutedRecipient> routed;
        for (std::size_t i = 0; i < recipients; ++i)
            routed.push_back({.index = static_cast<std::uint32_t>(i),
                              .route = {.transport = transport,
                                        .nexthop = domain,
                                        .recipient = made.envelope().recipients[i].address}});
        scheduler->add(made, routed);
    }

    // Answers the oldest request that is open.
    void answer(const std::string& problem = {})
    {
        ASSERT_LT(answered, sent.size());
        const DeliveryRequest request = sent[answered++];
        owners[request.transport]->answered({.id = request.id,
                                             .destination_problem = problem,
                                             .destination_problem_code = problem.empty() ? "" : "4.4.1"});
    }
    [[nodiscard]] std::vector<std::string> nexthops() const
    {
        std::vector<std::string> all;
        for (const DeliveryRequest& request : sent)
            all.push_back(request.nexthop);
        return all;
    }
    void pass(std::chrono::seconds time)
    {
        now += time;
        scheduler->keep_house();
    }

    TimePoint now{std::chrono::hours(1000)};
    Observer observer;
    std::vector<DeliveryRequest> sent;
    std::size_t answered = 0;
    std::map<std::string, AgentLinkOwner*> owners;
    std::map<std::string, FakeLink*> links;  // the newest of a transport
    std::vector<std::unique_ptr<ActiveMessage>> messages;
    std::unique_ptr<Scheduler> scheduler;
};

TEST_F(SchedulerTest, splits_a_list_by_the_recipient_limit)
{
    use("default_destination_recipient_limit = 3\n");
    schedule(8, "a.test");
    ASSERT_EQ(sent.size(), 3U);
    EXPECT_EQ(sent[0].recipients.size(), 3U);
    EXPECT_EQ(sent[2].recipients.size(), 2U);
    EXPECT_EQ(messages[0]->outstanding, 3U);
}

TEST_F(SchedulerTest, gives_each_recipient_a_sender_of_its_own_with_verp)
{
    use("");
    ActiveMessage& made = message(2, "a.test", {.sender = "owner-list@origin.test", .verp_delimiters = "+="});
    scheduler->add(made, {{.index = 0, .route = {.transport = "smtp", .nexthop = "a.test", .recipient = "u@a.test"}},
                          {.index = 1, .route = {.transport = "smtp", .nexthop = "a.test", .recipient = "v@a.test"}}});
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_EQ(sent[0].sender, "owner-list+u=a.test@origin.test");
    EXPECT_EQ(sent[1].sender, "owner-list+v=a.test@origin.test");
}

TEST_F(SchedulerTest, sends_an_agent_little_more_than_it_works_on)
{
    use("default_destination_concurrency_limit = 1\n");
    for (int i = 0; i < 300; ++i)
        schedule(1, "d" + std::to_string(i) + ".test");
    EXPECT_EQ(sent.size(), 135U);
    owners["smtp"]->answered({.id = sent[answered++].id, .capacity = 4});
    for (int i = 0; i < 100; ++i)
        answer();
    EXPECT_EQ(sent.size(), 135U);
    while (sent.size() < 300)
        answer();
    EXPECT_EQ(sent.size() - answered, 15U);
}

TEST_F(SchedulerTest, keeps_to_the_window_of_each_destination)
{
    use("initial_destination_concurrency = 2\ndefault_destination_concurrency_limit = 3\n");
    for (int i = 0; i < 10; ++i)
        schedule(1, "a.test");
    EXPECT_EQ(sent.size(), 2U);
    schedule(1, "b.test");
    EXPECT_EQ(sent.size(), 3U);
    answer();
    EXPECT_EQ(sent.size(), 5U);  // the place that became free, and one more
    answer();
    EXPECT_EQ(sent.size(), 6U);  // the limit is reached
}

TEST_F(SchedulerTest, gives_destinations_their_turns)
{
    use("initial_destination_concurrency = 1\ndefault_destination_concurrency_limit = 1\n");
    for (int i = 0; i < 3; ++i)
        schedule(1, "a.test");
    for (int i = 0; i < 3; ++i)
        schedule(1, "b.test");
    for (int i = 0; i < 6; ++i)
        answer();
    EXPECT_THAT(nexthops(), ElementsAre("a.test", "b.test", "a.test", "b.test", "a.test", "b.test"));
}

TEST_F(SchedulerTest, counts_by_recipient_where_a_request_has_one_recipient)
{
    use("box_destination_recipient_limit = 1\nbox_destination_concurrency_limit = 1\n");
    schedule(3, "a.test", "box");
    EXPECT_EQ(sent.size(), 3U);
    schedule(3, "a.test", "box");
    EXPECT_EQ(sent.size(), 3U);
}

TEST_F(SchedulerTest, suspends_a_destination_that_does_not_answer_and_tries_it_again_later)
{
    use("initial_destination_concurrency = 2\nminimal_backoff_time = 300s\n");
    for (int i = 0; i < 5; ++i)
        schedule(1, "dead.test");
    answer("connect to dead.test[192.0.2.1]:25: Connection refused");
    answer("connect to dead.test[192.0.2.1]:25: Connection refused");
    const std::string text = "smtp: 4.4.1 delivery temporarily suspended: "
                             "connect to dead.test[192.0.2.1]:25: Connection refused";
    EXPECT_THAT(observer.suspensions, ElementsAre(text, text, text));
    schedule(1, "dead.test");
    EXPECT_EQ(observer.suspensions.size(), 4U);
    const std::size_t before = sent.size();
    pass(std::chrono::seconds(301));
    schedule(1, "dead.test");
    EXPECT_EQ(sent.size(), before + 1);
}

TEST_F(SchedulerTest, tries_a_dead_destination_at_once_when_the_queue_is_flushed)
{
    use("default_destination_concurrency_limit = 1\n");
    schedule(1, "dead.test");
    answer("down");
    scheduler->revive();
    schedule(1, "dead.test");
    EXPECT_THAT(observer.suspensions, IsEmpty());
    EXPECT_EQ(sent.size(), 2U);
}

TEST_F(SchedulerTest, hands_back_what_an_agent_had_when_it_went_away)
{
    use("");
    schedule(1, "a.test");
    schedule(1, "a.test");
    answer();
    owners["smtp"]->ended(*links["smtp"], AgentLinkOwner::Stage::Established, Error(ErrorKind::Closed, "gone"));
    ASSERT_EQ(observer.gone.size(), 1U);
    EXPECT_EQ(observer.gone[0]->losses, 1U);
    scheduler->add(std::move(observer.gone[0]), "smtp", "a.test");
    EXPECT_EQ(sent.size(), 3U);  // over a new connection, at once
}

TEST_F(SchedulerTest, takes_answers_of_an_agent_that_leaves_and_sends_the_rest_to_its_successor)
{
    use("");
    for (int i = 0; i < 4; ++i)
        schedule(1, "a.test");
    FakeLink* old = links["smtp"];
    owners["smtp"]->leaving(*old, sent[1].id);
    ASSERT_EQ(sent.size(), 6U);  // the last two again, over a new connection
    EXPECT_NE(links["smtp"], old);
    EXPECT_EQ(sent[4].message, sent[2].message);
    EXPECT_EQ(sent[5].message, sent[3].message);
    answer();
    EXPECT_EQ(observer.done.size(), 1U);
    owners["smtp"]->ended(*old, AgentLinkOwner::Stage::Established, Error(ErrorKind::Closed, "gone"));
    EXPECT_EQ(observer.gone.size(), 1U);  // the second, which the old agent had and never answered
    answered = 4;
    answer();
    answer();
    EXPECT_EQ(observer.done.size(), 3U);
    EXPECT_EQ(sent.size(), 6U);
    EXPECT_THAT(observer.suspensions, IsEmpty());
}

TEST_F(SchedulerTest, calls_a_transport_unavailable_after_some_quick_attempts)
{
    use("transport_retry_time = 60s\n");
    schedule(1, "a.test");
    for (int i = 0; i < 4; ++i) {
        EXPECT_THAT(observer.suspensions, IsEmpty());
        owners["smtp"]->ended(*links["smtp"], AgentLinkOwner::Stage::Connecting,
                              Error(ErrorKind::Closed, "Connection refused"));
        pass(std::chrono::seconds(2));
    }
    EXPECT_THAT(observer.suspensions, ElementsAre("smtp: 4.3.0 mail transport unavailable"));
    schedule(1, "b.test");
    EXPECT_EQ(observer.suspensions.size(), 2U);
    pass(std::chrono::seconds(60));
    const std::size_t before = sent.size();
    schedule(1, "b.test");
    EXPECT_EQ(sent.size(), before + 1);
}

TEST_F(SchedulerTest, pauses_between_deliveries_to_a_destination_with_a_rate_delay)
{
    use("default_destination_rate_delay = 10s\n");
    schedule(1, "a.test");
    schedule(1, "a.test");
    EXPECT_EQ(sent.size(), 1U);
    answer();
    EXPECT_EQ(sent.size(), 1U);
    pass(std::chrono::seconds(9));
    EXPECT_EQ(sent.size(), 1U);
    pass(std::chrono::seconds(2));
    EXPECT_EQ(sent.size(), 2U);
}

TEST_F(SchedulerTest, takes_back_what_is_not_under_way)
{
    use("default_destination_concurrency_limit = 1\n");
    schedule(1, "a.test");
    schedule(1, "a.test");
    EXPECT_EQ(scheduler->withdraw(*messages[1]).size(), 1U);
    EXPECT_EQ(scheduler->withdraw(*messages[0]).size(), 0U);
}

// SCHEDULER_README, "How the preemption works": a mail of ten deliveries, two of two.
class PreemptionTest : public SchedulerTest {
protected:
    std::string order_with(const std::string& settings, std::size_t large = 10, std::size_t small = 2)
    {
        use("smtp_destination_recipient_limit = 2\nsmtp_destination_concurrency_limit = 1\n" + settings);
        schedule(2 * large, "a.test");
        schedule(2 * small, "a.test");
        schedule(2 * small, "a.test");
        deliver_all();
        return order_sent();
    }
};

TEST_F(PreemptionTest, waits_until_the_slots_are_earned_without_loan_and_discount)
{
    EXPECT_EQ(order_with("default_delivery_slot_cost = 2\ndefault_delivery_slot_discount = 0\n"
                         "default_delivery_slot_loan = 0\n"),
              "00001100002200");
}

TEST_F(PreemptionTest, comes_earlier_with_a_discount)
{
    EXPECT_EQ(order_with("default_delivery_slot_cost = 2\ndefault_delivery_slot_discount = 50\n"
                         "default_delivery_slot_loan = 0\n"),
              "00110000220000");
}

TEST_F(PreemptionTest, comes_earlier_with_a_loan)
{
    EXPECT_EQ(order_with("default_delivery_slot_cost = 2\ndefault_delivery_slot_discount = 0\n"
                         "default_delivery_slot_loan = 2\n"),
              "01100022000000");
}

TEST_F(PreemptionTest, is_off_with_a_cost_of_zero)
{
    EXPECT_EQ(order_with("default_delivery_slot_cost = 0\n"), "00000000001122");
}

TEST_F(PreemptionTest, is_rarer_with_a_higher_cost)
{
    EXPECT_EQ(order_with("smtp_delivery_slot_cost = 3\nsmtp_delivery_slot_discount = 0\n"
                         "smtp_delivery_slot_loan = 0\n",
                         12),
              "0000001100000022");
}

TEST_F(PreemptionTest, leaves_messages_alone_that_never_earn_the_minimum)
{
    EXPECT_EQ(order_with("default_delivery_slot_cost = 2\ndefault_minimum_delivery_slots = 6\n"), "00000000001122");
}

TEST_F(PreemptionTest, takes_settings_of_the_transport)
{
    EXPECT_EQ(order_with("default_delivery_slot_cost = 2\nsmtp_delivery_slot_cost = 0\n"), "00000000001122");
}

TEST_F(PreemptionTest, prefers_the_message_that_has_waited_longest_for_its_size)
{
    use("smtp_destination_recipient_limit = 2\nsmtp_destination_concurrency_limit = 1\n"
        "default_delivery_slot_loan = 0\ndefault_delivery_slot_discount = 0\ndefault_delivery_slot_cost = 2\n");
    schedule(40, "a.test");
    schedule(6, "a.test");
    now += std::chrono::hours(1);
    schedule(2, "a.test");
    deliver_all();
    EXPECT_EQ(order_sent(), "000000111002000000000000");
}

TEST_F(PreemptionTest, delays_a_large_mailing_no_more_than_the_slots_say)
{
    use("smtp_destination_recipient_limit = 2\nsmtp_destination_concurrency_limit = 1\n");
    schedule(200, "a.test");
    for (int i = 0; i < 100; ++i)
        schedule(1, "a.test");
    deliver_all();
    ASSERT_EQ(sent.size(), 200U);
    std::size_t last = 0;
    for (std::size_t i = 0; i < sent.size(); ++i)
        if (queue::MessageRef::parse(sent[i].message)->queue_id == "ID0")
            last = i;
    EXPECT_LE(last, 100U + 100 / 5 + 3);
    EXPECT_GE(last, 100U + 100 / 5 - 3);
}

TEST_F(SchedulerTest, a_mailing_to_many_destinations_does_not_hold_up_a_single_message)
{
    use("smtp_destination_recipient_limit = 2\n");
    ActiveMessage& mailing = message(10000, "list.test");
    std::vector<RoutedRecipient> routed;
    for (std::uint32_t i = 0; i < 10000; ++i)
        routed.push_back({.index = i,
                          .route = {.transport = "smtp",
                                    .nexthop = "d" + std::to_string(i) + ".test",
                                    .recipient = mailing.envelope().recipients[i].address}});
    scheduler->add(mailing, routed);
    const std::size_t before = sent.size();
    EXPECT_EQ(before, 135U);
    schedule(1, "single.test");
    answer();
    ASSERT_EQ(sent.size(), before + 1);
    EXPECT_EQ(sent.back().nexthop, "single.test");
}

TEST_F(SchedulerTest, serves_destinations_of_one_message_in_turns)
{
    use("smtp_destination_recipient_limit = 2\n");
    ActiveMessage& made = message(600, "list.test");
    std::vector<RoutedRecipient> routed;
    for (std::uint32_t i = 0; i < 600; ++i)
        routed.push_back({.index = i,
                          .route = {.transport = "smtp",
                                    .nexthop = i < 590 ? "large.test" : "small.test",
                                    .recipient = made.envelope().recipients[i].address}});
    scheduler->add(made, routed);
    deliver_all();
    const std::vector<std::string> all = nexthops();
    // large.test begins with its window; then both have their turns.
    EXPECT_EQ(std::ranges::count(all.begin(), all.begin() + 12, "small.test"), 5);
}

TEST_F(SchedulerTest, what_cannot_go_now_is_passed_over)
{
    use("smtp_destination_concurrency_limit = 1\n");
    for (int i = 0; i < 1000; ++i)
        schedule(1, "slow.test");
    schedule(1, "live.test");
    EXPECT_THAT(nexthops(), ElementsAre("slow.test", "live.test"));
}

TEST_F(SchedulerTest, keeps_a_part_of_the_agent_for_new_mail)
{
    use("");
    for (int i = 0; i < 300; ++i)
        schedule(1, "dead" + std::to_string(i) + ".test", "smtp", true);
    EXPECT_EQ(sent.size(), 75U);
    schedule(1, "live.test");
    ASSERT_EQ(sent.size(), 76U);
    EXPECT_EQ(sent.back().nexthop, "live.test");
    deliver_all();
    EXPECT_EQ(sent.size(), 301U);
}

TEST_F(SchedulerTest, does_not_give_up_a_destination_without_a_cohort_limit)
{
    use("default_destination_concurrency_failed_cohort_limit = 0\n");
    for (int i = 0; i < 50; ++i)
        schedule(1, "flaky.test");
    for (int i = 0; i < 50; ++i)
        answer("greeting: 421 busy");
    EXPECT_THAT(observer.suspensions, IsEmpty());
}

TEST_F(SchedulerTest, a_higher_cohort_limit_needs_more_failures)
{
    use("smtp_destination_concurrency_failed_cohort_limit = 3\nsmtp_initial_destination_concurrency = 1\n");
    for (int i = 0; i < 5; ++i)
        schedule(1, "flaky.test");
    answer("busy");
    answer("busy");
    EXPECT_THAT(observer.suspensions, IsEmpty());
    answer("busy");
    EXPECT_EQ(observer.suspensions.size(), 2U);
}

TEST_F(SchedulerTest, grows_by_the_positive_feedback)
{
    use("default_destination_concurrency_positive_feedback = 1/2\nsmtp_initial_destination_concurrency = 2\n");
    for (int i = 0; i < 20; ++i)
        schedule(1, "a.test");
    EXPECT_EQ(sent.size(), 2U);
    answer();
    EXPECT_EQ(sent.size(), 3U);
    answer();
    EXPECT_EQ(sent.size(), 5U);
}

TEST_F(SchedulerTest, shrinks_by_the_negative_feedback)
{
    for (const auto& [feedback, expected] : {std::pair{"1", 3U}, {"1/8", 4U}}) {
        use("default_destination_concurrency_negative_feedback = " + std::string(feedback) +
            "\ninitial_destination_concurrency = 3\ndefault_destination_concurrency_failed_cohort_limit = 0\n");
        sent.clear();
        answered = 0;
        for (int i = 0; i < 10; ++i)
            schedule(1, "flaky.test");
        answer("busy");
        answer("busy");
        EXPECT_EQ(sent.size(), expected) << feedback;
        scheduler.reset();
        messages.clear();
    }
}

TEST_F(SchedulerTest, gives_local_as_many_recipients_as_its_own_limit_says)
{
    use("local_destination_recipient_limit = 3\n");
    schedule(5, "a.test", "local");
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_EQ(sent.front().recipients.size(), 3U);
}

TEST_F(SchedulerTest, gives_a_local_user_as_many_messages_at_once_as_the_limit_of_local_says)
{
    use("local_destination_concurrency_limit = 1\n");
    for (int i = 0; i < 3; ++i)
        schedule(1, "a.test", "local");
    EXPECT_EQ(sent.size(), 1U);
}

TEST_F(SchedulerTest, keeps_the_other_settings_where_a_value_has_no_meaning)
{
    use("default_destination_concurrency_positive_feedback = much\ndefault_destination_recipient_limit = 3\n"
        "smtp_destination_recipient_limit = some\nsmtp_initial_destination_concurrency = 2\n");
    schedule(60, "a.test");
    EXPECT_THAT(sent, testing::SizeIs(2));
    EXPECT_EQ(sent.front().recipients.size(), 3U);
}

TEST_F(SchedulerTest, pauses_between_deliveries_of_a_transport_with_a_rate_delay)
{
    use("default_transport_rate_delay = 10s\n");
    for (int i = 0; i < 3; ++i)
        schedule(1, "d" + std::to_string(i) + ".test");
    schedule(1, "d.test", "relay");
    EXPECT_EQ(sent.size(), 2U);
    answer();
    EXPECT_EQ(sent.size(), 2U);
    pass(std::chrono::seconds(10));
    EXPECT_EQ(sent.size(), 3U);
    pass(std::chrono::seconds(10));
    EXPECT_EQ(sent.size(), 4U);
}

TEST_F(SchedulerTest, rests_each_of_many_destinations_by_itself)
{
    use("smtp_destination_rate_delay = 10s\n");
    for (int i = 0; i < 20; ++i) {
        schedule(1, "d" + std::to_string(i) + ".test");
        schedule(1, "d" + std::to_string(i) + ".test");
    }
    EXPECT_EQ(sent.size(), 20U);
    for (int i = 0; i < 20; ++i) {
        now += std::chrono::seconds(1);
        answer();
    }
    scheduler->keep_house();
    EXPECT_EQ(sent.size(), 30U);
    pass(std::chrono::seconds(10));
    EXPECT_EQ(sent.size(), 40U);
}

// --- recipients in memory

class RefillTest : public SchedulerTest {
protected:
    // A message of which `read` recipients are in memory and scheduled.
    ActiveMessage& partial(std::size_t all, std::size_t read, const std::string& domain)
    {
        queue::LoadedMessage stored;
        stored.ref.queue_id = "ID" + std::to_string(messages.size());
        for (std::size_t i = 0; i < read; ++i)
            stored.envelope.recipients.push_back({.address = "u" + std::to_string(i) + "@" + domain});
        stored.marks.resize(all);
        messages.push_back(std::make_unique<ActiveMessage>(std::move(stored), ++activations));
        ActiveMessage& made = *messages.back();
        std::vector<RoutedRecipient> routed;
        for (std::uint32_t i = 0; i < read; ++i)
            routed.push_back(
                {.index = i,
                 .route = {.transport = "smtp", .nexthop = domain, .recipient = made.recipient(i).address}});
        scheduler->add(made, routed);
        return made;
    }
    [[nodiscard]] std::size_t refill(const ActiveMessage& message) const { return scheduler->refill(message, now); }

    std::int64_t activations = 0;
};

TEST_F(RefillTest, reads_on_when_there_is_room_for_the_refill_limit)
{
    use("smtp_destination_recipient_limit = 10\ndefault_recipient_limit = 100\ndefault_recipient_refill_limit = 30\n"
        "smtp_destination_concurrency_limit = 1\n");
    ActiveMessage& list = partial(1000, 100, "a.test");
    EXPECT_EQ(refill(list), 0U);
    answer();
    answer();
    EXPECT_EQ(refill(list), 0U);
    answer();
    EXPECT_EQ(refill(list), 30U);
    EXPECT_EQ(scheduler->recipients(), 70U);
}

TEST_F(RefillTest, reads_on_with_less_room_after_the_refill_delay)
{
    use("smtp_destination_recipient_limit = 10\nsmtp_recipient_limit = 100\nsmtp_recipient_refill_limit = 30\n"
        "default_recipient_refill_delay = 7s\nsmtp_destination_concurrency_limit = 1\n");
    ActiveMessage& list = partial(1000, 100, "a.test");
    answer();
    EXPECT_EQ(refill(list), 0U);
    const TimePoint read = now;
    now += std::chrono::seconds(6);
    EXPECT_EQ(scheduler->refill(list, read), 0U);
    now += std::chrono::seconds(1);
    EXPECT_EQ(scheduler->refill(list, read), 10U);
}

TEST_F(RefillTest, gives_the_room_to_the_oldest_message_that_is_not_read)
{
    use("smtp_destination_recipient_limit = 10\nsmtp_recipient_limit = 200\nsmtp_delivery_slot_cost = 0\n");
    ActiveMessage& first = partial(200, 50, "a.test");
    ActiveMessage& second = partial(1000, 50, "b.test");
    EXPECT_EQ(refill(first), 100U);
    EXPECT_EQ(refill(second), 0U);
    first.stop_reading();
    scheduler->read_completely(first);
    EXPECT_EQ(refill(second), 100U);
}

TEST_F(RefillTest, gives_a_message_that_overtakes_room_of_its_own)
{
    for (const auto& [extra, expected] : {std::pair{"200", 85U}, {"0", 0U}}) {
        use("smtp_destination_recipient_limit = 10\nsmtp_recipient_limit = 1020\nsmtp_recipient_refill_limit = 10\n"
            "smtp_destination_concurrency_limit = 1\ndefault_extra_recipient_limit = " +
            std::string(extra) + "\nsmtp_delivery_slot_loan = 100\n");
        sent.clear();
        answered = 0;
        ActiveMessage& large = partial(100'000, 1000, "a.test");
        ActiveMessage& small = partial(110, 20, "a.test");
        EXPECT_EQ(refill(large), 0U);
        EXPECT_EQ(refill(small), 0U);
        answer();
        EXPECT_EQ(sent.back().message, small.ref().text());
        EXPECT_EQ(refill(small), expected);
        scheduler.reset();
        messages.clear();
    }
}

TEST_F(RefillTest, counts_what_is_not_read_when_it_looks_for_a_message_that_may_overtake)
{
    use("smtp_destination_recipient_limit = 10\nsmtp_destination_concurrency_limit = 1\n");
    schedule(1000, "a.test");
    partial(100'000, 10, "a.test");
    answer();
    answer();
    EXPECT_THAT(order_sent(), "000");
}

// --- what the log tells

TEST_F(SchedulerTest, warns_of_a_destination_that_clogs_a_full_queue)
{
    auto warnings = [&](const std::string& settings) {
        use("smtp_destination_concurrency_limit = 1\n" + settings);
        for (int i = 0; i < 30; ++i)
            schedule(1, "clog.test");
        schedule(1, "other.test");
        testing::internal::CaptureStderr();
        for (int second = 0; second < 600; ++second) {
            now += std::chrono::seconds(1);
            scheduler->warn_of_clogs(31, 35);
        }
        const std::string text = testing::internal::GetCapturedStderr();
        EXPECT_EQ(text.find("other.test"), std::string::npos);
        std::size_t count = 0;
        for (std::size_t at = 0;
             (at = text.find("mail for clog.test is using up 30 of 31 active queue entries", at)) != std::string::npos;
             ++at)
            ++count;
        scheduler.reset();
        return count;
    };
    EXPECT_EQ(warnings(""), 2U);
    EXPECT_EQ(warnings("qmgr_clog_warn_time = 100s\n"), 6U);
    EXPECT_EQ(warnings("qmgr_clog_warn_time = 0\n"), 0U);
    EXPECT_EQ(warnings("helpful_warnings = no\n"), 0U);
}

TEST_F(SchedulerTest, logs_feedback_when_asked)
{
    for (const bool debug : {false, true}) {
        use(debug ? "destination_concurrency_feedback_debug = yes\n" : "");
        sent.clear();
        answered = 0;
        schedule(1, "a.test");
        testing::internal::CaptureStderr();
        answer();
        EXPECT_EQ(testing::internal::GetCapturedStderr().contains("feedback: smtp/a.test: success, concurrency 5 -> "),
                  debug);
    }
}

// --- size

// What a delivery costs does not grow with what waits: a mailing, ten thousand messages for one slow site, as many
// sites.
TEST_F(SchedulerTest, stays_quick_with_a_long_queue)
{
    use("");
    schedule(20000, "list.test");
    for (int i = 0; i < 10000; ++i)
        schedule(1, "slow.test");
    for (int i = 0; i < 10000; ++i)
        schedule(1, "d" + std::to_string(i) + ".test");
    const auto begun = std::chrono::steady_clock::now();
    deliver_all();
    EXPECT_EQ(sent.size(), 20400U);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(20));  // a tenth of it, with sanitizers
    const double each =
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begun).count() / 20400;
    RecordProperty("microseconds_each", std::to_string(each));
}

TEST_F(SchedulerTest, takes_new_limits_from_a_reload)
{
    use("default_destination_concurrency_limit = 1\n");
    for (int i = 0; i < 9; ++i)
        schedule(1, "a.test");
    auto config =
        config::load_text("default_destination_concurrency_limit = 4\ninet_interfaces = 127.0.0.1\n", "main.cf", {});
    scheduler->configure(*config);
    for (int i = 0; i < 4; ++i)
        answer();
    EXPECT_EQ(sent.size() - answered, 4U);
}

}  // namespace
}  // namespace posthaste::qmgr
