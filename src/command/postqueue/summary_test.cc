#include "command/postqueue/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::command::postqueue {
namespace {

server::QueuedMessage message(std::string id, std::int64_t arrival, std::int64_t next_retry,
                              std::vector<server::QueuedRecipient> recipients)
{
    server::QueuedMessage made;
    made.queue_name = "deferred";
    made.queue_id = std::move(id);
    made.arrival_time = arrival;
    made.next_retry = next_retry;
    made.recipients = std::move(recipients);
    return made;
}

Summary summary_of(const std::vector<server::QueuedMessage>& messages)
{
    Summary summary;
    for (const auto& each : messages)
        for (const auto& recipient : each.recipients)
            summary.add(each, recipient);
    return summary;
}

TEST(Summary, GroupsByDestinationTransportAndReason)
{
    Summary summary = summary_of({
        message("A", 500, 2000, {{"x@b.test", "450 <x@b.test>: busy", "smtp"}}),
        message("B", 400, 1500, {{"Y@B.test", "450 <y@b.test>: busy", "smtp"}, {"z@b.test", "refused", "smtp"}}),
        message("C", 900, 1200, {{"x@c.test", "refused", "lmtp"}}),
    });
    EXPECT_EQ(summary.text(1000),
              "Recipients Messages Oldest Next try  Queue     Destination  Transport  Reason\n"
              "         2        2    10m       8m  deferred  b.test       smtp       450 <recipient>: busy\n"
              "         1        1    10m       8m  deferred  b.test       smtp       refused\n"
              "         1        1     1m       3m  deferred  c.test       lmtp       refused\n");
}

TEST(Summary, SaysWhatMailWaitsForThatWasNotTried)
{
    auto held = message("A", 990, 0, {{"x@b.test", "refused", ""}});
    held.queue_name = "hold";
    EXPECT_EQ(summary_of({held}).text(1000),
              "Recipients Messages Oldest Next try  Queue     Destination  Transport  Reason\n"
              "         1        1    10s        -  hold      b.test       -          refused\n");
    held.recipients[0].reason = {};
    EXPECT_THAT(summary_of({held}).text(1000), testing::EndsWith("  hold      b.test       -          on hold\n"));
}

TEST(Summary, AsJson)
{
    Summary summary = summary_of({message("A", 500, 2000, {{"x@b.test", "a \"b\"", "smtp"}})});
    EXPECT_EQ(summary.json(), R"({"queue_name": "deferred", "destination": "b.test", "transport": "smtp", )"
                              R"("reason": "a \"b\"", "recipients": 1, "messages": 1, "oldest_arrival_time": 500, )"
                              R"("next_retry_time": 2000})"
                              "\n");
    EXPECT_EQ(Summary().json(), "");
}

TEST(ShortTime, TheLargestUnit)
{
    EXPECT_EQ(short_time(-5), "0s");
    EXPECT_EQ(short_time(59), "59s");
    EXPECT_EQ(short_time(60), "1m");
    EXPECT_EQ(short_time(7199), "1h");
    EXPECT_EQ(short_time(200000), "2d");
}

}  // namespace
}  // namespace posthaste::command::postqueue
