// recipients_test.cc — messages whose recipients do not fit into memory at once.
#include "daemon/qmgr/queue_manager_fixture.h"

#include <algorithm>

namespace posthaste::qmgr {
namespace {

using testing::IsEmpty;

// Recipients u0, u1, ... of one domain.
std::vector<std::string> many(std::size_t count, const std::string& domain = "remote.test")
{
    std::vector<std::string> recipients;
    for (std::size_t i = 0; i < count; ++i)
        recipients.push_back("u" + std::to_string(i) + "@" + domain);
    return recipients;
}

TEST_F(QueueManagerTest, reads_a_large_list_piece_by_piece)
{
    add_agent("smtp", sent);
    gated = true;
    start("qmgr_message_recipient_limit = 20\nsmtp_recipient_limit = 60\nsmtp_recipient_refill_limit = 10\n"
          "smtp_destination_recipient_limit = 2\n");
    submit(many(1000));
    ASSERT_TRUE(wait_for([&] { return manager->recipients_in_memory() >= 20; }));
    std::size_t most = 0;
    gated = false;
    gate.set();
    ASSERT_TRUE(wait_for([&] {
        most = std::max(most, manager->recipients_in_memory());
        return attempts.size() >= 1000 && manager->active() == 0;
    }));
    EXPECT_LE(most, 20U + 60U);
    std::ranges::sort(attempts);
    EXPECT_EQ(std::ranges::unique(attempts).begin(), attempts.end());
    EXPECT_EQ(attempts.size(), 1000U);
    EXPECT_THAT(reports, IsEmpty());
}

TEST_F(QueueManagerTest, reads_at_least_the_minimum_of_each_message)
{
    add_agent("smtp", sent);
    gated = true;
    start("qmgr_message_recipient_limit = 1\nqmgr_message_recipient_minimum = 4\nsmtp_recipient_limit = 1\n"
          "smtp_extra_recipient_limit = 0\n");
    for (int i = 0; i < 3; ++i)
        submit(many(7));
    ASSERT_TRUE(wait_for([&] { return manager->active() == 3; }));
    EXPECT_EQ(manager->recipients_in_memory(), 12U);
    gated = false;
    gate.set();
    ASSERT_TRUE(wait_until_idle(21));
}

TEST_F(QueueManagerTest, tries_a_large_list_again_without_those_who_have_it)
{
    add_agent("smtp", [](const std::string& address) { return address.starts_with("u7") ? put_off("") : sent(""); });
    start("qmgr_message_recipient_limit = 50\nsmtp_recipient_limit = 50\nminimal_backoff_time = 1s\n"
          "maximal_backoff_time = 1s\n");
    submit(many(400));
    ASSERT_TRUE(wait_until_idle(400));
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1; }));
    attempts.clear();
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 11; }));  // u7, u70 to u79
}

TEST_F(QueueManagerTest, returns_a_large_list_that_nobody_took)
{
    add_agent("smtp", put_off);
    start("qmgr_message_recipient_limit = 50\nsmtp_recipient_limit = 500\nmaximal_queue_lifetime = 1d\n"
          "bounce_queue_lifetime = 1d\n");
    submit(many(2500), "sender@x.test", 48h);
    ASSERT_TRUE(wait_until_idle(2500));
    // Appended in three parts, then the report.
    const std::string append = "bounce " + std::to_string(static_cast<int>(bounce::Command::Flush)) + " 0";
    EXPECT_THAT(reports, testing::Contains(append));
    EXPECT_EQ(appended, 2500U);
    EXPECT_EQ(manager->deferred(), 0U);
}

TEST_F(QueueManagerTest, lists_and_removes_a_large_list_that_is_not_read_yet)
{
    add_agent("smtp", sent);
    gated = true;
    start("qmgr_message_recipient_limit = 20\nsmtp_recipient_limit = 20\n");
    const std::string id = submit(many(1500));
    ASSERT_TRUE(wait_for([&] { return manager->recipients_in_memory() >= 20; }));
    EXPECT_EQ(manager->list().at(0).recipients.size(), 1500U);
    control(Command::Remove, id);
    gated = false;
    gate.set();
    ASSERT_TRUE(wait_for([&] { return manager->active() == 0; }));
    EXPECT_LE(attempts.size(), 100U);
}

}  // namespace
}  // namespace posthaste::qmgr
