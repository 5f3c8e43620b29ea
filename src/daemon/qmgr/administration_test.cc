// administration_test.cc — what postsuper and postqueue ask of the running queue manager.
#include "daemon/qmgr/queue_manager_fixture.h"

#include "queue/queue_file.h"

namespace posthaste::qmgr {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(QueueManagerTest, finds_what_somebody_moves_to_deferred_when_it_is_flushed)
{
    add_agent("smtp", put_off);
    start();
    const std::string id = submit({"bad@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_EQ(control(Command::Hold, id), ControlOutcome::Done);
    EXPECT_EQ(manager->deferred(), 0U);
    std::filesystem::rename(directory / queue::queue_file_path(options, queue::QueueName::Hold, id),
                            directory / "deferred" / id);  // not even where it belongs
    manager->flush();
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 2 && manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_EQ(control(Command::Remove, id), ControlOutcome::Done);
    EXPECT_THAT(files("deferred"), IsEmpty());
}

TEST_F(QueueManagerTest, removes_and_holds_what_is_in_deferred_and_not_listed_yet)
{
    add_agent("smtp", put_off);
    start();
    const std::string removed = submit({"a@remote.test"});
    const std::string held = submit({"b@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 2 && manager->active() == 0; }));
    manager.reset();
    start();
    EXPECT_EQ(control(Command::Remove, removed), ControlOutcome::Done);
    EXPECT_EQ(control(Command::Hold, held), ControlOutcome::Done);
    EXPECT_THAT(files("hold"), ElementsAre(held));
    EXPECT_TRUE(wait_for([&] { return manager->deferred() == 0; }));
    EXPECT_THAT(attempts, testing::SizeIs(2));
}

TEST_F(QueueManagerTest, changes_nothing_that_is_not_named)
{
    add_agent("smtp", put_off);
    start();
    submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    for (const Command command : {Command::Remove, Command::Hold, Command::Release, Command::Requeue, Command::Retry})
        EXPECT_THAT(net::run_until_done(manager->control({.command = command, .queue_ids = {}})).results, IsEmpty());
    EXPECT_EQ(manager->deferred(), 1U);
    EXPECT_THAT(attempts, testing::SizeIs(1));
}

TEST_F(QueueManagerTest, removes_holds_and_releases_deferred_mail)
{
    add_agent("smtp", put_off);
    start();
    const std::string first = submit({"a@remote.test"});
    const std::string second = submit({"b@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 2 && manager->active() == 0; }));
    EXPECT_EQ(control(Command::Remove, first), ControlOutcome::Done);
    EXPECT_EQ(control(Command::Remove, first), ControlOutcome::NotFound);
    EXPECT_EQ(control(Command::Hold, second), ControlOutcome::Done);
    EXPECT_THAT(files("hold"), ElementsAre(second));
    EXPECT_EQ(manager->deferred(), 0U);
    EXPECT_EQ(control(Command::Release, second), ControlOutcome::Done);
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 3 && manager->deferred() == 1; }));
    EXPECT_THAT(files("deferred"), ElementsAre(second));
}

TEST_F(QueueManagerTest, removes_and_holds_active_mail)
{
    gated = true;
    add_agent("smtp", put_off);
    start("default_destination_concurrency_limit = 1\n");
    const std::string under_way = submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->active() == 1; }));
    const std::string removed = submit({"b@remote.test"});
    const std::string held = submit({"c@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->active() == 3; }));
    EXPECT_EQ(manager->list().size(), 3U);
    EXPECT_EQ(control(Command::Remove, removed), ControlOutcome::Done);
    EXPECT_EQ(control(Command::Hold, held), ControlOutcome::Done);
    EXPECT_EQ(control(Command::Remove, under_way), ControlOutcome::Pending);
    gate.set();
    ASSERT_TRUE(wait_for([&] { return manager->active() == 0; }));
    EXPECT_THAT(attempts, ElementsAre("smtp a@remote.test"));
    EXPECT_THAT(files("hold"), ElementsAre(held));
    EXPECT_THAT(files("deferred"), IsEmpty());
}

TEST_F(QueueManagerTest, does_what_is_wished_while_the_report_is_written)
{
    gated_service = "bounce";
    add_agent("smtp", [](const std::string& address) {
        return address.starts_with("nobody") ? refused(address) : put_off(address);
    });
    start();
    const std::string removed = submit({"nobody@remote.test", "a@remote.test"});
    const std::string held = submit({"nobody@remote.test", "b@remote.test"});
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 4 && manager->active() == 2; }));
    EXPECT_EQ(control(Command::Remove, removed), ControlOutcome::Pending);
    EXPECT_EQ(control(Command::Hold, held), ControlOutcome::Pending);
    EXPECT_EQ(control(Command::Remove, removed), ControlOutcome::Pending);
    report_gate.set();
    ASSERT_TRUE(wait_for([&] { return manager->active() == 0; }));
    EXPECT_THAT(files("hold"), ElementsAre(held));
    EXPECT_THAT(files("deferred"), IsEmpty());
    EXPECT_EQ(manager->deferred(), 0U);
}

TEST_F(QueueManagerTest, returns_a_message_that_is_expired_by_hand)
{
    add_agent("smtp", put_off);
    start();
    const std::string id = submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_EQ(control(Command::Expire, id), ControlOutcome::Done);
    EXPECT_EQ(control(Command::Retry, id), ControlOutcome::Done);
    ASSERT_TRUE(wait_until_idle(2));
    EXPECT_THAT(reports, testing::Contains("bounce 1 1"));
    EXPECT_THAT(files("deferred"), IsEmpty());
}

TEST_F(QueueManagerTest, lists_and_changes_what_waits_beyond_the_active_limit)
{
    gated = true;
    add_agent("smtp", sent);
    start("qmgr_message_active_limit = 1\n");
    const std::string under_way = submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->active() == 1; }));
    const std::string removed = submit({"b@remote.test"});
    const std::string held_back = submit({"c@remote.test"});
    const std::string left = submit({"d@remote.test"});
    auto unread = manager->list_unread();
    EXPECT_EQ(manager->list().size(), 1U);
    std::vector<std::string> ids;
    for (const ListEntry& entry : unread.next(10))
        ids.push_back(entry.queue_id);
    EXPECT_THAT(ids, ElementsAre(removed, held_back, left));
    EXPECT_EQ(control(Command::Remove, removed), ControlOutcome::Done);
    EXPECT_EQ(control(Command::Remove, removed), ControlOutcome::NotFound);
    EXPECT_EQ(control(Command::Hold, held_back), ControlOutcome::Pending);
    EXPECT_EQ(manager->list().size(), 2U);
    gate.set();
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 2 && manager->active() == 0 && manager->list().empty(); }));
    EXPECT_THAT(attempts, ElementsAre("smtp a@remote.test", "smtp d@remote.test"));
    EXPECT_THAT(files("hold"), ElementsAre(held_back));
}

TEST_F(QueueManagerTest, forced_expiry_of_what_is_under_way_outlives_a_restart)
{
    gated = true;
    add_agent("smtp", put_off);
    start();
    const std::string id = submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->active() == 1 && manager->recipients_in_memory() == 1; }));
    EXPECT_EQ(control(Command::Expire, id), ControlOutcome::Pending);
    manager.reset();
    start();
    gate.set();
    ASSERT_TRUE(wait_for([&] { return !reports.empty() && manager->active() == 0; }));
    EXPECT_THAT(reports, testing::Contains("bounce 1 1"));
    EXPECT_EQ(manager->deferred(), 0U);
}

TEST_F(QueueManagerTest, what_is_to_be_held_is_held_whatever_else_is_asked_for)
{
    gated = true;
    add_agent("smtp", put_off);
    start();
    const std::string id = submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->active() == 1; }));
    for (Command command : {Command::Hold, Command::Requeue, Command::Expire})
        EXPECT_EQ(control(command, id), ControlOutcome::Pending);
    gate.set();
    ASSERT_TRUE(wait_for([&] { return manager->active() == 0; }));
    EXPECT_THAT(files("hold"), ElementsAre(id));
    EXPECT_THAT(reports, IsEmpty());
    EXPECT_EQ(control(Command::Release, id), ControlOutcome::Done);
    ASSERT_TRUE(wait_until_idle(2));
    EXPECT_THAT(reports, testing::Contains("bounce 1 1"));  // and now it is too old
    EXPECT_EQ(manager->deferred(), 0U);
}

TEST_F(QueueManagerTest, a_hold_is_taken_back_before_it_is_done)
{
    gated = true;
    add_agent("smtp", put_off);
    start();
    const std::string id = submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->active() == 1 && manager->recipients_in_memory() == 1; }));
    EXPECT_EQ(control(Command::Release, id), ControlOutcome::NotFound);
    EXPECT_FALSE(manager->list().at(0).to_be_held);
    EXPECT_EQ(control(Command::Hold, id), ControlOutcome::Pending);
    EXPECT_TRUE(manager->list().at(0).to_be_held);
    EXPECT_EQ(control(Command::Release, id), ControlOutcome::Pending);
    EXPECT_FALSE(manager->list().at(0).to_be_held);
    gate.set();
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 2 && manager->deferred() == 1; }));
    EXPECT_THAT(files("hold"), IsEmpty());
}

TEST_F(QueueManagerTest, what_cannot_be_moved_to_hold_is_not_delivered_meanwhile)
{
    gated = true;
    add_agent("smtp", put_off);
    start("minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n");
    std::filesystem::remove(directory / "hold");
    ASSERT_TRUE(replace_file((directory / "hold").string(), "", 0600));  // as good an error as a full disk
    const std::string id = submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->active() == 1 && manager->recipients_in_memory() == 1; }));
    EXPECT_EQ(control(Command::Hold, id), ControlOutcome::Pending);
    gate.set();
    ASSERT_TRUE(wait_for([&] { return manager->active() == 0; }));
    manager->flush();
    EXPECT_TRUE(wait_for([&] { return manager->list().at(0).queue_name == "incoming"; }));
    std::filesystem::remove(directory / "hold");
    std::filesystem::create_directory(directory / "hold");
    ASSERT_TRUE(wait_for([&] { return manager->list().empty(); }));
    EXPECT_THAT(files("hold"), ElementsAre(id));
    EXPECT_THAT(attempts, ElementsAre("smtp a@remote.test"));
}

TEST_F(QueueManagerTest, holds_what_waits_for_an_agent)
{
    add_dying_agent("smtp");
    start();
    const std::string id = submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 1 && manager->active() == 0; }));
    EXPECT_EQ(control(Command::Hold, id), ControlOutcome::Pending);
    held.clear();
    manager->flush();
    ASSERT_TRUE(wait_for([&] { return manager->list().empty(); }));
    EXPECT_THAT(files("hold"), ElementsAre(id));
    EXPECT_THAT(attempts, ElementsAre("smtp dies"));
}

}  // namespace
}  // namespace posthaste::qmgr
