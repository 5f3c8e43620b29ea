#include "daemon/anvil/counters.h"

#include <gtest/gtest.h>

namespace posthaste::anvil {

namespace {
constexpr Time start{};
Request request(Event event, const char* client = "192.0.2.1") { return {event, "smtp", client}; }
}  // namespace

TEST(Counters, ConnectionsAndRatesOfOneClient)
{
    Counters counters(std::chrono::seconds(60));
    EXPECT_EQ(counters.record(request(Event::Connect), start, 0).count, 1);
    Reply second = counters.record(request(Event::Connect), start, 0);
    EXPECT_EQ(second.count, 2);
    EXPECT_EQ(second.rate, 2);
    EXPECT_EQ(counters.record(request(Event::Connect, "192.0.2.2"), start, 0).count, 1);
    EXPECT_EQ(counters.record(request(Event::Disconnect), start, 0).count, 1);
    EXPECT_EQ(counters.record(request(Event::Message), start, 0).rate, 1);
    Reply later = counters.record(request(Event::Connect), start + std::chrono::seconds(60), 0);
    EXPECT_EQ(later.rate, 1);
    EXPECT_EQ(later.count, 2);
}

TEST(Counters, EntriesExpireWhenNothingIsOpen)
{
    Counters counters(std::chrono::seconds(60));
    counters.record(request(Event::Connect), start, 0);
    counters.record(request(Event::Message, "192.0.2.2"), start, 0);
    counters.expire(start + std::chrono::seconds(61));
    EXPECT_EQ(counters.size(), 1U);
    counters.drop_connections("smtp:192.0.2.1", 1);
    counters.expire(start + std::chrono::seconds(61));
    EXPECT_EQ(counters.size(), 0U);
}

TEST(Counters, StatisticsNameTheMaximaOnce)
{
    Counters counters(std::chrono::seconds(60));
    counters.record(request(Event::Connect), start, 0);
    counters.record(request(Event::Connect), start, 0);
    auto lines = counters.take_statistics();
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_TRUE(lines[0].starts_with("max connection rate 2/60s for (smtp:192.0.2.1) at Jan  1 "));
    EXPECT_TRUE(lines[1].starts_with("max connection count 2 for (smtp:192.0.2.1) at "));
    EXPECT_TRUE(lines[2].starts_with("max cache size 1 at "));
    EXPECT_TRUE(counters.take_statistics().empty());
}

}  // namespace posthaste::anvil
