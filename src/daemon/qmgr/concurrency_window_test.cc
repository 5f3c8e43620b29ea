// concurrency_window_test.cc — the pseudo code of SCHEDULER_README, step by step.
#include "daemon/qmgr/concurrency_window.h"

#include <gtest/gtest.h>

namespace posthaste::qmgr {
namespace {

WindowSettings with_feedback(std::string_view positive, std::string_view negative)
{
    WindowSettings settings;
    settings.positive = *Feedback::parse(positive);
    settings.negative = *Feedback::parse(negative);
    return settings;
}

TEST(Feedback, has_the_forms_of_the_manual)
{
    EXPECT_DOUBLE_EQ(Feedback::parse("1")->at(10), 1);
    EXPECT_DOUBLE_EQ(Feedback::parse("0.5")->at(10), 0.5);
    EXPECT_DOUBLE_EQ(Feedback::parse("1/4")->at(10), 0.25);
    EXPECT_DOUBLE_EQ(Feedback::parse("1 / concurrency")->at(10), 0.1);
    EXPECT_DOUBLE_EQ(Feedback::parse("1/sqrt_concurrency")->at(16), 0.25);
    for (const char* bad : {"", "x", "2", "-1", "1/0", "1/2/3", "1/concurrency/2"})
        EXPECT_FALSE(Feedback::parse(bad)) << bad;
}

TEST(ConcurrencyWindow, grows_by_one_a_success_up_to_the_limit)
{
    WindowSettings settings = with_feedback("1", "1");
    ConcurrencyWindow window(settings);
    EXPECT_EQ(window.size(), 5);
    for (int i = 0; i < 30; ++i)
        window.succeeded(settings, window.size());
    EXPECT_EQ(window.size(), 20);
}

TEST(ConcurrencyWindow, does_not_grow_while_it_is_not_used)
{
    WindowSettings settings = with_feedback("1", "1");
    ConcurrencyWindow window(settings);
    for (int i = 0; i < 30; ++i)
        window.succeeded(settings, 1);
    EXPECT_EQ(window.size(), 6);
}

TEST(ConcurrencyWindow, grows_at_the_end_of_a_cohort_with_feedback_per_concurrency)
{
    WindowSettings settings = with_feedback("1/concurrency", "1/concurrency");
    ConcurrencyWindow window(settings);
    for (int i = 0; i < 4; ++i)
        window.succeeded(settings, 5);
    EXPECT_EQ(window.size(), 5);
    window.succeeded(settings, 5);
    window.succeeded(settings, 5);
    EXPECT_EQ(window.size(), 6);
}

TEST(ConcurrencyWindow, shrinks_at_the_first_failure_and_dies_after_a_failed_cohort)
{
    WindowSettings settings = with_feedback("1", "1");
    ConcurrencyWindow window(settings);
    window.failed(settings);
    EXPECT_EQ(window.size(), 4);
    window.failed(settings);
    EXPECT_EQ(window.size(), 3);
    window.failed(settings);
    EXPECT_EQ(window.size(), 2);
    window.failed(settings);  // 1/5 + 1/4 + 1/3 + 1/2 > 1
    EXPECT_TRUE(window.is_dead());
    window.revive(settings);
    EXPECT_EQ(window.size(), 5);
}

TEST(ConcurrencyWindow, forgives_failures_after_a_success)
{
    WindowSettings settings = with_feedback("1", "1");
    ConcurrencyWindow window(settings);
    for (int i = 0; i < 20; ++i) {
        window.failed(settings);
        window.succeeded(settings, window.size());
    }
    EXPECT_FALSE(window.is_dead());
}

TEST(ConcurrencyWindow, with_a_concurrency_of_one_dies_at_the_first_failure)
{
    WindowSettings settings = with_feedback("1", "1");
    settings.limit = 1;
    ConcurrencyWindow window(settings);
    EXPECT_EQ(window.size(), 1);
    window.failed(settings);
    EXPECT_TRUE(window.is_dead());
}

}  // namespace
}  // namespace posthaste::qmgr
