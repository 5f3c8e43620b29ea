#include "command/postqueue/selection.h"

#include <gtest/gtest.h>

namespace posthaste::command::postqueue {
namespace {

server::QueuedMessage sample()
{
    server::QueuedMessage message;
    message.arrival_time = 1000;
    message.sender = "Ann@A.test";
    message.recipients = {{"x@b.test", "Connection refused", "smtp"}, {"y@c.test", "mailbox busy", "lmtp"}};
    return message;
}

TEST(FitsAddress, AnAddressADomainOrAPattern)
{
    EXPECT_TRUE(fits_address("x@b.test", "X@B.Test"));
    EXPECT_TRUE(fits_address("b.test", "x@b.test"));
    EXPECT_TRUE(fits_address("@b.test", "x@b.test"));
    EXPECT_TRUE(fits_address("*.test", "x@b.test"));
    EXPECT_TRUE(fits_address("x@*", "x@b.test"));
    EXPECT_TRUE(fits_address("[127.0.0.1]", "x@[127.0.0.1]"));
    EXPECT_TRUE(fits_address("<>", "MAILER-DAEMON"));
    EXPECT_FALSE(fits_address("b.test", "x@ab.test"));
    EXPECT_FALSE(fits_address("x", "x@b.test"));
    EXPECT_FALSE(fits_address("<>", "x@b.test"));
}

TEST(Selection, WithoutFiltersTakesAll)
{
    EXPECT_TRUE(Selection{}.takes_all());
    EXPECT_TRUE(Selection{}.takes(sample(), 1000));
}

TEST(Selection, FiltersOfDifferentKindsMustAllFit)
{
    Selection selection{.to = {"b.test"}, .from = {"ann@a.test"}, .reasons = {}, .older_than = {}};
    EXPECT_TRUE(selection.takes(sample(), 1000));
    selection.from = {"bob@a.test"};
    EXPECT_FALSE(selection.takes(sample(), 1000));
    selection.from = {"bob@a.test", "a.test"};
    EXPECT_TRUE(selection.takes(sample(), 1000));
}

TEST(Selection, RecipientAndReasonBelongTogether)
{
    Selection selection{.to = {"b.test"}, .from = {}, .reasons = {"REFUSED"}, .older_than = {}};
    EXPECT_TRUE(selection.takes(sample(), 1000));
    selection.reasons = {"busy"};
    EXPECT_FALSE(selection.takes(sample(), 1000));
}

TEST(Selection, OlderThanCountsFromTheArrival)
{
    Selection selection;
    selection.older_than = std::chrono::seconds(60);
    EXPECT_FALSE(selection.takes(sample(), 1060));
    EXPECT_TRUE(selection.takes(sample(), 1061));
}

}  // namespace
}  // namespace posthaste::command::postqueue
