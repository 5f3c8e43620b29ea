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
    EXPECT_EQ(next_attempt(1000, 990, usual), 1300);
    EXPECT_EQ(next_attempt(1000, 0, usual), 2000);
    EXPECT_EQ(next_attempt(100000, 0, usual), 104000);
    EXPECT_EQ(next_attempt(1000, 2000, usual), 1300);  // the clock was set back
}

TEST(Backoff, tells_the_previous_attempt_from_the_retry_time)
{
    for (Seconds attempt : {0, 10, 299, 300, 301, 1000, 3999, 4000, 9999})
        EXPECT_NEAR(static_cast<double>(previous_attempt(next_attempt(attempt, 0, usual), 0, usual)),
                    static_cast<double>(attempt), 1)
            << attempt;
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

TEST(RetrySchedule, flush_makes_everything_due)
{
    RetrySchedule schedule;
    for (int i = 0; i < 5000; ++i)
        schedule.put(std::to_string(i), 1000 + i);
    schedule.make_all_due(7);
    std::size_t taken = 0;
    while (schedule.take_due(7))
        ++taken;
    EXPECT_EQ(taken, 5000U);
}

}  // namespace
}  // namespace posthaste::qmgr
