#include "log/events_delivery.h"

#include "log/log.h"

#include <gtest/gtest.h>

namespace posthaste::log {
namespace {

std::string line_for(Delivery what)
{
    testing::internal::CaptureStderr();
    delivery(what);
    flush();
    return testing::internal::GetCapturedStderr();
}

std::string line_with_delays(Delays delays)
{
    return line_for({.queue_id = "Q",
                     .recipient = "a@b",
                     .original_recipient = "",
                     .relay = "none",
                     .delays = delays,
                     .code = "2.0.0",
                     .status = "sent",
                     .text = "x"});
}

TEST(DeliveryLine, HasEveryFieldInPostfixsOrder)
{
    std::string line = line_for({.queue_id = "4ABC",
                                 .recipient = "a@b.test",
                                 .original_recipient = "alias@b.test",
                                 .relay = "mx.b.test[192.0.2.1]:25",
                                 .connection_use = 3,
                                 .delays = {50'000, 10'000, 0, 1'240'000},
                                 .code = "2.0.0",
                                 .status = "sent",
                                 .text = "250 2.0.0 Ok"});
    EXPECT_NE(line.find("4ABC: to=<a@b.test>, orig_to=<alias@b.test>, relay=mx.b.test[192.0.2.1]:25, conn_use=3, "
                        "delay=1.3, delays=0.05/0.01/0/1.2, dsn=2.0.0, status=sent (250 2.0.0 Ok)"),
              std::string::npos)
        << line;
}

TEST(DeliveryLine, RoundsDelaysAsDocumented)
{
    EXPECT_NE(line_with_delays({3'271'800'000, 40'000, 24'300'000, 0}).find("delay=3296, delays=3272/0.04/24/0,"),
              std::string::npos);
    EXPECT_NE(line_with_delays({100'000, 4'000, 5'000, 1'000'000}).find("delays=0.1/0/0.01/1,"), std::string::npos);
    EXPECT_NE(line_with_delays({99'600'000, -5, 0, 0}).find("delays=100/0/0/0,"), std::string::npos);
}

}  // namespace
}  // namespace posthaste::log
