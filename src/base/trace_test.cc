// trace_test.cc — what a recorder hears, and that nobody is needed to listen.
#include "base/trace_record.h"

#include <gtest/gtest.h>

namespace posthaste::trace {
namespace {

TEST(Trace, without_an_observer_a_step_says_that_nobody_listens)
{
    Step step("transport_maps", "a@b");
    EXPECT_FALSE(step);
    step.result("not heard");
}

TEST(Trace, a_recorder_keeps_steps_within_steps_with_what_tables_answered)
{
    Recorder recorder;
    observer->asked("hash:/outside", "x", std::optional<std::string>("y"));
    {
        Step outer("smtpd_recipient_restrictions", "a@b");
        ASSERT_TRUE(outer);
        {
            Step inner("check_recipient_access", "a@b");
            observer->asked("hash:/access", "a@b", std::optional<std::string>());
            observer->asked("hash:/access", "b", std::optional<std::string>("REJECT"));
            inner.result("reject");
        }
        observer->matched("10.0.0.0/8");
    }
    std::vector<StepRecord> steps = recorder.take();
    ASSERT_EQ(steps.size(), 1U);
    EXPECT_EQ(steps[0].element, "10.0.0.0/8");
    EXPECT_TRUE(steps[0].answers.empty());
    ASSERT_EQ(steps[0].steps.size(), 1U);
    const StepRecord& inner = steps[0].steps[0];
    EXPECT_EQ(inner.result, "reject");
    ASSERT_NE(inner.decisive(), nullptr);
    EXPECT_EQ(inner.decisive()->key, "b");
    EXPECT_TRUE(recorder.take().empty());
}

TEST(Trace, an_error_of_a_table_is_found_from_above)
{
    Recorder recorder;
    {
        Step outer("a", "");
        Step inner("b", "");
        observer->asked("tcp:x", "key", fail(ErrorKind::Temporary, "no answer"));
    }
    std::vector<StepRecord> steps = recorder.take();
    EXPECT_EQ(steps[0].trouble(), "no answer");
    EXPECT_EQ(steps[0].steps[0].decisive()->error, "no answer");
}

TEST(Trace, who_listened_before_listens_again)
{
    Recorder first;
    {
        Recorder second;
        Step step("heard by the second", "");
    }
    EXPECT_EQ(observer, &first);
    EXPECT_TRUE(first.take().empty());
}

}  // namespace
}  // namespace posthaste::trace
