#include "command/postqueue/listing_format.h"

#include <cstdlib>
#include <ctime>
#include <gtest/gtest.h>

namespace posthaste::command::postqueue {
namespace {

QueuedMessage sample()
{
    return {"deferred",
            "5A0F861A6DDD",
            1526874315,
            524,
            false,
            "user1@centos7.example.com",
            {{"user2@localhost.com", "connect to localhost.com[74.125.224.72]:25: Connection refused"}}};
}

class Mailq : public testing::Test {
protected:
    void SetUp() override
    {
        ::setenv("TZ", "UTC0", 1);
        ::tzset();
    }
};

TEST_F(Mailq, PrintsWhatAdministratorsKnow)
{
    EXPECT_EQ(mailq_entry(sample(), IdForm::Short),
              "5A0F861A6DDD     524 Mon May 21 03:45:15  user1@centos7.example.com\n"
              "              (connect to localhost.com[74.125.224.72]:25: Connection refused)\n"
              "                                         user2@localhost.com\n");
    EXPECT_EQ(mailq_trailer(1234, 2), "-- 1 Kbytes in 2 Requests.\n");
    EXPECT_EQ(mailq_trailer(10, 1), "-- 0 Kbytes in 1 Request.\n");
}

TEST_F(Mailq, MarksActiveHeldAndExpiringMessages)
{
    QueuedMessage message = sample();
    message.queue_id = "ABCDEF";
    message.queue_name = "active";
    EXPECT_TRUE(mailq_entry(message, IdForm::Short).starts_with("ABCDEF*         524 "));
    message.queue_name = "hold";
    message.forced_expire = true;
    EXPECT_TRUE(mailq_entry(message, IdForm::Short).starts_with("ABCDEF!#        524 "));
}

TEST_F(Mailq, AReasonIsPrintedOnceForRecipientsThatShareIt)
{
    QueuedMessage message = sample();
    message.recipients.push_back({"user3@localhost.com", message.recipients[0].reason});
    std::string text = mailq_entry(message, IdForm::Short);
    EXPECT_EQ(text.find("Connection refused"), text.rfind("Connection refused"));
}

TEST_F(Mailq, JsonEscapesWhatItMust)
{
    QueuedMessage message = sample();
    message.sender = "a\"b\x01@example.com";
    EXPECT_EQ(
        json_line(message),
        R"({"queue_name": "deferred", "queue_id": "5A0F861A6DDD", "arrival_time": 1526874315, "message_size": 524, )"
        R"("forced_expire": false, "sender": "a\"b\u0001@example.com", "recipients": [{"address": )"
        R"("user2@localhost.com", "delay_reason": "connect to localhost.com[74.125.224.72]:25: Connection refused"}]})"
        "\n");
}

TEST_F(Mailq, JsonTellsTheNextRetryTimeBehindWhatPostfixTells)
{
    QueuedMessage message = sample();
    std::string without = json_line(message);
    message.next_retry = 1526874615;
    EXPECT_EQ(json_line(message), without.substr(0, without.size() - 2) + ", \"next_retry_time\": 1526874615}\n");
}

TEST_F(Mailq, ReadsShowqsStream)
{
    using namespace std::string_literals;
    auto message =
        server::parse_queued_message("queue_name\0hold\0queue_id\0ABCDEF\0time\0"
                                     "7\0size\0"
                                     "9\0forced_expire\0"
                                     "1\0next_retry\0"
                                     "11\0sender\0s\0"
                                     "recipient\0r\0original_recipient\0x\0reason\0why\0transport\0lmtp\0\0"s);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->size, 9U);
    EXPECT_TRUE(message->forced_expire);
    ASSERT_EQ(message->recipients.size(), 1U);
    EXPECT_EQ(message->next_retry, 11);
    EXPECT_EQ(message->recipients[0].reason, "why");
    EXPECT_EQ(message->recipients[0].transport, "lmtp");
    EXPECT_FALSE(server::parse_queued_message("queue_name\0ho"s));
}

}  // namespace
}  // namespace posthaste::command::postqueue
