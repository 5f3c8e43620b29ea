// retry_schedule_test.cc
#include "daemon/qmgr/retry_schedule.h"

#include <gtest/gtest.h>
#include <map>
#include <random>

namespace posthaste::qmgr {
namespace {

const Backoff usual{.minimum = std::chrono::seconds(300), .maximum = std::chrono::seconds(4000)};

TEST(Backoff, waits_as_long_again_as_the_message_has_existed_within_bounds)
{
    EXPECT_EQ(next_attempt(1000, 990, usual, 0), 1300);
    EXPECT_EQ(next_attempt(1000, 0, usual, 0), 2000);
    EXPECT_EQ(next_attempt(100000, 0, usual, 0), 104000);
    EXPECT_EQ(next_attempt(1000, 2000, usual, 0), 1300);  // the clock was set back
}

TEST(Backoff, tells_the_previous_attempt_from_the_retry_time)
{
    for (Seconds jitter : {0, 1, 500, 1000})
        for (Seconds attempt : {0, 10, 299, 300, 301, 1000, 3999, 4000, 9999})
            EXPECT_NEAR(
                static_cast<double>(previous_attempt(next_attempt(attempt, 0, usual, jitter), 0, usual, jitter)),
                static_cast<double>(attempt), 1)
                << attempt << " " << jitter;
}

TEST(Backoff, spreads_messages_that_failed_together)
{
    std::map<Seconds, int> at;
    for (int i = 0; i < 10000; ++i) {
        const Seconds due = next_attempt(100000, 0, usual, jitter_of("4QmX" + std::to_string(i)));
        EXPECT_GE(due, 104000);
        EXPECT_LE(due, 100000 + longest_pause(usual).count());
        ++at[due];
    }
    EXPECT_GE(at.size(), 190U);  // of 200 seconds
    EXPECT_EQ(jitter_of("4QmX1"), jitter_of("4QmX1"));
    EXPECT_EQ(longest_pause(usual).count(), 4200);
}

TEST(RetrySchedule, gives_out_what_is_due_oldest_first)
{
    RetrySchedule schedule;
    schedule.put("B", 20);
    schedule.put("A", 10);
    schedule.put("C", 30);
    EXPECT_EQ(schedule.take_due(25)->queue_id, "A");
    EXPECT_EQ(schedule.take_due(25)->queue_id, "B");
    EXPECT_FALSE(schedule.take_due(25));
    EXPECT_EQ(schedule.size(), 1U);
}

TEST(RetrySchedule, forgets_the_time_that_was_replaced)
{
    RetrySchedule schedule;
    schedule.put("A", 10);
    schedule.put("A", 100);
    EXPECT_FALSE(schedule.take_due(50));
    schedule.put("A", 5);
    EXPECT_EQ(schedule.take_due(50)->due, 5);
    EXPECT_FALSE(schedule.take_due(1000));
    schedule.put("A", 10);
    EXPECT_TRUE(schedule.remove("A"));
    EXPECT_FALSE(schedule.remove("A"));
    EXPECT_FALSE(schedule.take_due(1000));
}

TEST(RetrySchedule, keeps_the_order_through_any_changes)
{
    RetrySchedule schedule;
    std::map<std::string, Seconds> expected;
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same in every run
    for (int i = 0; i < 20000; ++i) {
        const std::string id = "ID" + std::to_string(random() % 3000);
        const auto due = static_cast<Seconds>(random() % 1000);
        if (random() % 3 == 0) {
            auto known = expected.find(id);
            const auto was_due = schedule.remove(id);
            ASSERT_EQ(was_due.has_value(), known != expected.end());
            if (was_due) {
                ASSERT_EQ(*was_due, known->second);
                expected.erase(known);
            }
        } else {
            schedule.put(id, due);
            expected[id] = due;
        }
        ASSERT_EQ(schedule.size(), expected.size());
    }
    Seconds last = 0;
    while (auto next = schedule.take_due(2000)) {
        ASSERT_LE(last, next->due);
        last = next->due;
        ASSERT_EQ(expected.at(next->queue_id), next->due);
        expected.erase(next->queue_id);
    }
    EXPECT_TRUE(expected.empty());
}

TEST(RetrySchedule, takes_the_longest_queue_id)
{
    RetrySchedule schedule;
    const std::string id(queue::longest_queue_id, 'x');
    schedule.put(id, 1);
    EXPECT_FALSE(schedule.contains(id.substr(1)));
    EXPECT_EQ(schedule.take_due(1)->queue_id, id);
}

TEST(RetrySchedule, flush_makes_everything_due_that_is_there)
{
    RetrySchedule schedule;
    for (int i = 0; i < 5000; ++i)
        schedule.put(std::to_string(i), 1000 + i);
    schedule.make_all_due();
    schedule.put("later", 8);
    for (Seconds i = 0; i < 5000; ++i)
        ASSERT_EQ(schedule.take_due(7)->due, 1000 + i);  // in order, and as it was planned
    EXPECT_FALSE(schedule.take_due(7));
    EXPECT_TRUE(schedule.contains("later"));
}

TEST(RetrySchedule, a_second_flush_takes_what_has_come_since)
{
    RetrySchedule schedule;
    for (int i = 0; i < 1000; ++i)
        schedule.put("a" + std::to_string(i), 5000 + i);
    schedule.make_all_due();
    for (int i = 0; i < 1000; ++i)
        schedule.put("b" + std::to_string(i), 1000 + i);
    schedule.make_due("b999");
    schedule.make_all_due();
    Seconds last = 0;
    for (int i = 0; i < 2000; ++i) {
        auto next = schedule.take_due(0);
        ASSERT_TRUE(next);
        EXPECT_GE(next->due, last);
        last = next->due;
    }
    EXPECT_FALSE(schedule.take_due(10000));
}

TEST(RetrySchedule, a_new_time_ends_a_flush)
{
    RetrySchedule schedule;
    schedule.put("A", 1000);
    schedule.make_all_due();
    schedule.put("A", 1000);
    EXPECT_FALSE(schedule.take_due(999));
    EXPECT_EQ(schedule.remove("A"), 1000);
}

}  // namespace
}  // namespace posthaste::qmgr
