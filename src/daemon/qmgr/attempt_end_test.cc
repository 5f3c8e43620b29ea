// attempt_end_test.cc — what follows an attempt: reports, warnings, deferrals.
#include "daemon/qmgr/queue_manager_fixture.h"
#include "queue/segment.h"

namespace posthaste::qmgr {
namespace {

using testing::ElementsAre;

TEST_F(QueueManagerTest, asks_for_a_report_before_a_bounced_message_is_gone)
{
    add_agent("smtp", refused);
    start();
    submit({"nobody@remote.test"});
    ASSERT_TRUE(wait_until_idle(1));
    EXPECT_THAT(reports, ElementsAre("bounce 1 0"));
    EXPECT_EQ(manager->deferred(), 0U);
}

TEST_F(QueueManagerTest, asks_the_report_service_that_a_reload_names)
{
    add_agent("smtp", refused);
    start();
    submit({"a@remote.test"});
    ASSERT_TRUE(wait_until_idle(1));
    ASSERT_TRUE(manager->configure(configuration("bounce_service_name = other_bounce\n")));
    submit({"b@remote.test"});
    ASSERT_TRUE(wait_until_idle(2));
    EXPECT_THAT(reports, testing::ElementsAre("bounce 1 0", "other_bounce 1 0"));
}

TEST_F(QueueManagerTest, keeps_a_bounced_message_while_no_report_can_be_made)
{
    reports_work = false;
    add_agent("smtp", [](const std::string&) { return Outcome::bounced({5, 1, 1}, "unknown user"); });
    start();
    submit({"nobody@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    reports_work = true;
    manager->flush();
    ASSERT_TRUE(wait_for([&] { return files("deferred").empty() && manager->active() == 0; }));
}

// A report is asked for and answered only after the process was told to end.
TEST_F(QueueManagerTest, a_report_under_way_is_made_once_when_the_process_ends)
{
    notify = queue::notify_failure;
    submit({"nobody@remote.test"});
    ASSERT_TRUE(queue::Reader(options).open(last_committed)->set_mark(0, queue::RecipientMark::Bounced));
    gated_service = "bounce";
    start();
    ASSERT_TRUE(wait_for([&] { return reports_asked == 1; }));
    net::TaskGroup later;
    later.start(open_later(&report_gate));
    end();
    EXPECT_THAT(reports, ElementsAre("bounce 1 0"));
    start();
    EXPECT_FALSE(wait_for([&] { return reports.size() > 1; }, 20));
}

TEST_F(QueueManagerTest, a_report_that_was_answered_is_not_made_again_while_another_service_is_waited_for)
{
    gated_service = "defer";
    add_agent("smtp", put_off);
    start("maximal_queue_lifetime = 1h\n");
    submit({"a@remote.test"}, "sender@x.test", 2h);
    ASSERT_TRUE(wait_for([&] { return reports.size() == 1 && manager->active() == 1; }));
    EXPECT_FALSE(wait_for([&] { return manager->active() == 0; }, 5));
    end(false);
    start("maximal_queue_lifetime = 1h\n");
    EXPECT_FALSE(wait_for([&] { return reports.size() > 1; }, 20));
    EXPECT_THAT(reports, ElementsAre("bounce 1 1"));
}

// What Store::upkeep() does last, after it has synced the marks; a second after the start it has done so anyway.
TEST_F(QueueManagerTest, what_is_marked_is_durable_when_the_process_has_ended)
{
    add_agent("smtp", sent);
    start();
    submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 1 && manager->active() == 0; }));
    end();
    EXPECT_EQ(queue::list_segments(options.directory)->size(), 1U + options.reserve_segments);
}

TEST_F(QueueManagerTest, a_process_that_ends_begins_nothing_new)
{
    add_agent("smtp", refused);
    start();
    gated = true;
    submit({"nobody@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->recipients_in_memory() == 1; }));
    net::run_until_done(manager->wind_up(net::Deadline::never()));
    gate.set();
    submit({"later@remote.test"});
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 1 && appended == 1; }));
    EXPECT_FALSE(wait_for([&] { return !reports.empty() || attempts.size() > 1; }, 20));
    manager.reset();
    start();
    ASSERT_TRUE(wait_until_idle(2));
    EXPECT_THAT(reports, ElementsAre("bounce 1 0", "bounce 1 0"));
}

TEST_F(QueueManagerTest, a_success_is_reported_although_the_queue_manager_died_after_the_delivery)
{
    notify = queue::notify_success;
    submit({"done@remote.test"});
    ASSERT_TRUE(queue::Reader(options).open(last_committed)->set_mark(0, queue::RecipientMark::Done));
    start();
    ASSERT_TRUE(wait_for([&] { return !reports.empty() && manager->active() == 0; }));
    EXPECT_THAT(reports, ElementsAre("trace 1 0"));
    EXPECT_TRUE(attempts.empty());
}

TEST_F(QueueManagerTest, a_success_is_reported_to_the_last_of_many_although_the_queue_manager_died)
{
    notify_of["c@remote.test"] = queue::notify_success;
    submit({"a@remote.test", "b@remote.test", "c@remote.test"});
    for (std::size_t recipient = 0; recipient < 3; ++recipient)
        ASSERT_TRUE(queue::Reader(options).open(last_committed)->set_mark(recipient, queue::RecipientMark::Done));
    start("qmgr_message_recipient_limit = 1\nqmgr_message_recipient_minimum = 1\n");
    ASSERT_TRUE(wait_for([&] { return !reports.empty() && manager->active() == 0; }));
    EXPECT_THAT(reports, ElementsAre("trace 1 0"));
}

TEST_F(QueueManagerTest, a_success_is_reported_when_the_trace_service_works_again)
{
    notify = queue::notify_success;
    reports_work = false;
    add_agent("smtp", sent);
    start();
    submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_THAT(reports, ElementsAre("trace 1 0"));
    reports_work = true;
    manager->flush();
    ASSERT_TRUE(wait_for([&] { return files("deferred").empty() && manager->active() == 0; }));
    EXPECT_EQ(std::ranges::count(reports, "trace 1 0"), 2);
    EXPECT_THAT(attempts, testing::SizeIs(1));
}

TEST_F(QueueManagerTest, a_large_message_that_was_done_is_settled_once)
{
    notify = queue::notify_success;
    submit({"a@remote.test", "b@remote.test", "c@remote.test"});
    for (std::size_t recipient = 0; recipient < 3; ++recipient)
        ASSERT_TRUE(queue::Reader(options).open(last_committed)->set_mark(recipient, queue::RecipientMark::Done));
    gated_service = "trace";
    start("qmgr_message_recipient_limit = 1\nqmgr_message_recipient_minimum = 1\n");
    ASSERT_TRUE(wait_for([&] { return reports_asked == 1; }));
    EXPECT_FALSE(wait_for([&] { return reports_asked > 1; }, 220)) << "somebody has read on";
    report_gate.set();
    ASSERT_TRUE(wait_for([&] { return manager->active() == 0; }));
    EXPECT_THAT(reports, ElementsAre("trace 1 0"));
}

TEST_F(QueueManagerTest, returns_what_is_too_old_to_its_sender)
{
    add_agent("smtp", put_off);
    start("maximal_queue_lifetime = 1h\n");
    submit({"a@remote.test", "b@remote.test"}, "sender@x.test", 2h);
    ASSERT_TRUE(wait_until_idle(2));
    EXPECT_THAT(reports, ElementsAre("bounce 1 2", "defer 3 0"));
    EXPECT_EQ(manager->deferred(), 0U);
}

TEST_F(QueueManagerTest, warns_of_a_delay_once)
{
    add_agent("smtp", put_off);
    start("delay_warning_time = 1h\n");
    submit({"a@remote.test"}, "sender@x.test", 2h);
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    manager->flush();
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 2 && manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_THAT(reports, ElementsAre("defer 2 0"));
}

TEST_F(QueueManagerTest, defers_through_the_retry_agent_when_a_transport_is_missing)
{
    std::vector<std::string> reasons;
    add_agent("retry", put_off);
    start("default_transport = nosuch\n");
    submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_THAT(attempts, ElementsAre("retry a@remote.test"));
}

TEST_F(QueueManagerTest, warns_of_a_delay_once_while_nothing_can_be_moved)
{
    std::filesystem::create_directory(directory / "deferred");
    add_agent("smtp", put_off);
    start("delay_warning_time = 1h\nminimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n");
    std::filesystem::remove(directory / "deferred");
    ASSERT_TRUE(replace_file((directory / "deferred").string(), "", 0600));  // as good an error as a full disk
    submit({"a@remote.test"}, "sender@x.test", 2h);
    ASSERT_TRUE(wait_for([&] { return attempts.size() >= 3 && manager->active() == 0; }));
    EXPECT_THAT(reports, ElementsAre("defer 2 0"));
}

TEST_F(QueueManagerTest, warns_of_a_delay_once_when_it_is_restarted_during_an_attempt)
{
    add_agent("smtp", put_off);
    start("delay_warning_time = 1h\n");
    submit({"a@remote.test"}, "sender@x.test", 2h);
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    gated = true;
    manager->flush();
    ASSERT_TRUE(wait_for([&] { return manager->active() == 1 && manager->recipients_in_memory() == 1; }));
    end(false);
    gated = false;
    gate.set();
    start("delay_warning_time = 1h\n");
    ASSERT_TRUE(wait_for([&] { return attempts.size() >= 2 && manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_THAT(reports, ElementsAre("defer 2 0"));
}

TEST_F(QueueManagerTest, puts_off_what_an_agent_cannot_look_at)
{
    add_agent("local", sent);
    add_blind_agent("smtp");
    start();
    const std::string id = submit({"a@remote.test", "b@local.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_THAT(files("deferred"), ElementsAre(id));
    EXPECT_THAT(attempts, testing::UnorderedElementsAre("smtp sees nothing", "local b@local.test"));
}

TEST_F(QueueManagerTest, puts_off_a_message_that_takes_its_agent_down_again_and_again)
{
    add_dying_agent("smtp");
    start();
    const std::string id = submit({"a@remote.test"});
    for (std::size_t times = 1; times <= 3; ++times) {
        ASSERT_TRUE(wait_for([&] { return attempts.size() == times && manager->active() == 0; }));
        EXPECT_EQ(manager->deferred(), 0U);
        held.clear();  // the agent is gone at last
        manager->flush();
    }
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_THAT(files("deferred"), ElementsAre(id));
    EXPECT_THAT(attempts, testing::SizeIs(3));
}

}  // namespace
}  // namespace posthaste::qmgr
