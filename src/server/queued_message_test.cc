// What showq(8) writes is what its readers read.
#include "server/queued_message.h"

#include <gtest/gtest.h>

namespace posthaste::server {
namespace {

QueuedMessage sample()
{
    return {.queue_name = "deferred",
            .queue_id = "ABCDEF0001",
            .arrival_time = 1'700'000'000,
            .size = 4321,
            .forced_expire = true,
            .sender = "ann@here.test",
            .recipients = {{.address = "bob@there.test", .reason = "host is down", .transport = "smtp"},
                           {.address = "cee@there.test", .reason = {}, .transport = {}}},
            .next_retry = 1'700'000'300};
}

TEST(QueuedMessage, IsReadAsItWasWritten)
{
    std::string out;
    append_queued_message(out, sample());
    EXPECT_EQ(*parse_queued_message(out), sample());
}

TEST(QueuedMessage, WhatIsNotKnownIsLeftOut)
{
    QueuedMessage message = sample();
    message.next_retry = 0;
    message.recipients.front().transport.clear();
    std::string out;
    append_queued_message(out, message);
    EXPECT_EQ(out.find("next_retry"), std::string::npos);
    EXPECT_EQ(out.find("transport"), std::string::npos);
    EXPECT_EQ(*parse_queued_message(out), message);
}

TEST(QueuedMessage, TheNullSenderIsShownAsPostfixShowsIt)
{
    QueuedMessage message = sample();
    message.sender.clear();
    std::string out;
    append_queued_message(out, message);
    EXPECT_EQ(parse_queued_message(out)->sender, "MAILER-DAEMON");
}

}  // namespace
}  // namespace posthaste::server
