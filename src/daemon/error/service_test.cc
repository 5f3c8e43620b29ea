#include "daemon/error/service.h"

#include <gtest/gtest.h>

namespace posthaste::error {
namespace {

TEST(Error, BouncesWithTheCodeOfTheNexthop)
{
    dsn::Outcome outcome = outcome_for("error", "5.1.1 no such user");
    EXPECT_EQ(outcome.action, dsn::Action::Bounced);
    EXPECT_EQ(outcome.code.text(), "5.1.1");
    EXPECT_EQ(outcome.text, "no such user");
}

TEST(Error, HasDefaultCodes)
{
    EXPECT_EQ(outcome_for("error", "go away").code.text(), "5.0.0");
    EXPECT_EQ(outcome_for("retry", "later").code.text(), "4.0.0");
}

TEST(Error, RetryPutsOffWhateverTheCodeSays)
{
    dsn::Outcome outcome = outcome_for("retry", "5.3.0 later");
    EXPECT_EQ(outcome.action, dsn::Action::Deferred);
    EXPECT_EQ(outcome.code.text(), "4.3.0");
}

}  // namespace
}  // namespace posthaste::error
