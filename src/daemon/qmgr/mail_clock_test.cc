// mail_clock_test.cc
#include "daemon/qmgr/mail_clock.h"

#include <gtest/gtest.h>

namespace posthaste::qmgr {
namespace {

using std::chrono::seconds;

constexpr Seconds hour = 3600;
constexpr Seconds day = 24 * hour;

class MailClockTest : public testing::Test {
protected:
    void pass(Seconds time)
    {
        for (Seconds i = 0; i < time; ++i) {
            ++calendar;
            ++running;
            clock.look();
        }
    }

    Seconds calendar = 1'000'000;
    Seconds running = 50;
    // The two change seconds at different moments, as real ones do.
    std::chrono::nanoseconds calendar_phase{900'000'000};
    MailClock clock{{.calendar = [this] { return seconds(calendar) + calendar_phase; },
                     .running = [this] { return std::chrono::nanoseconds(seconds(running)); }}};
};

TEST_F(MailClockTest, goes_with_the_calendar)
{
    EXPECT_EQ(clock.now(), 1'000'000);
    pass(10);
    EXPECT_EQ(clock.now(), 1'000'010);
    EXPECT_EQ(clock.running(), 1'000'010);
}

TEST_F(MailClockTest, a_time_is_the_same_in_a_file_whenever_it_is_written)
{
    const Seconds due = clock.running() + 10;
    const Seconds written = clock.to_calendar(due);
    calendar += 1;
    calendar_phase -= std::chrono::milliseconds(850);  // 150 ms later: another second of the calendar
    EXPECT_EQ(clock.to_calendar(due), written);
    EXPECT_EQ(clock.from_calendar(written, seconds(100)), due);
}

TEST_F(MailClockTest, a_jump_makes_nothing_due_earlier_or_later)
{
    const Seconds due = clock.running() + 300;
    calendar += 5 * hour;
    pass(299);
    EXPECT_LT(clock.running(), due);
    calendar -= 10 * hour;
    pass(1);
    EXPECT_EQ(clock.running(), due);
}

TEST_F(MailClockTest, mail_does_not_age_by_a_jump_that_is_corrected)
{
    calendar += 30 * day;
    pass(600);
    EXPECT_EQ(clock.now(), 1'000'600);
    calendar -= 30 * day;
    pass(10);
    EXPECT_EQ(clock.now(), 1'000'610);
}

TEST_F(MailClockTest, a_jump_that_stays_is_believed_after_an_hour)
{
    calendar += 30 * day;
    pass(3602);
    EXPECT_EQ(clock.now(), calendar);
    EXPECT_EQ(clock.running(), 1'003'602);
}

TEST_F(MailClockTest, a_jump_back_is_followed_at_once)
{
    calendar -= 3600;
    pass(1);
    EXPECT_EQ(clock.now(), calendar);
}

TEST_F(MailClockTest, times_of_files_are_the_calendars)
{
    const Seconds due = clock.running() + 300;
    calendar += 7200;
    EXPECT_EQ(clock.to_calendar(due), calendar + 300);
    EXPECT_EQ(clock.from_calendar(calendar + 300, seconds(4000)), due);
    EXPECT_EQ(clock.from_calendar(calendar - 300, seconds(4000)), clock.running() - 300);
    EXPECT_EQ(clock.from_calendar(calendar + 90'000, seconds(4000)), clock.running() + 4000);
}

}  // namespace
}  // namespace posthaste::qmgr
