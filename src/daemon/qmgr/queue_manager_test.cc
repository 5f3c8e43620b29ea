// queue_manager_test.cc — reading the queue, delivering what is there, and what becomes of answers.
#include "daemon/qmgr/queue_manager_fixture.h"

#include "queue/queue_file.h"

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <thread>

namespace posthaste::qmgr {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Does something while somebody opens a file for the first time: the opener waits for the end of a lease (fcntl(2)).
class WhileOpened {
public:
    WhileOpened(const std::string& path, std::function<void()> what) : file_(std::move(*open_file(path, O_RDONLY)))
    {
        ::signal(SIGIO, SIG_IGN);
        is_possible = ::fcntl(file_.get(), F_SETLEASE, F_RDLCK) == 0;
        thread_ = std::thread([this, what = std::move(what)] {
            while (!ended_ && ::fcntl(file_.get(), F_GETLEASE) == F_RDLCK)
                std::this_thread::sleep_for(1ms);
            if (ended_)
                return;
            what();
            ::fcntl(file_.get(), F_SETLEASE, F_UNLCK);
        });
    }
    ~WhileOpened()
    {
        ended_ = true;
        thread_.join();
    }
    bool is_possible;  // not on every file system

private:
    UniqueFd file_;
    std::atomic<bool> ended_ = false;
    std::thread thread_;
};

TEST_F(QueueManagerTest, delivers_to_each_transport_and_forgets_the_message)
{
    add_agent("smtp", sent);
    add_agent("local", sent);
    start();
    submit({"a@remote.test", "b@local.test", "c@remote.test"});
    ASSERT_TRUE(wait_until_idle(3));
    EXPECT_THAT(attempts,
                testing::UnorderedElementsAre("smtp a@remote.test", "smtp c@remote.test", "local b@local.test"));
    EXPECT_EQ(manager->deferred(), 0U);
    EXPECT_THAT(reports, IsEmpty());
}

TEST_F(QueueManagerTest, reads_what_was_committed_before_it_started)
{
    submit({"a@remote.test"});
    submit({"b@remote.test"});
    add_agent("smtp", sent);
    start();
    ASSERT_TRUE(wait_until_idle(2));
}

TEST_F(QueueManagerTest, delivers_thousands)
{
    add_agent("smtp", sent);
    start();
    constexpr std::size_t count = 2000;
    for (std::size_t i = 0; i < count; ++i)
        submit({"u" + std::to_string(i) + "@remote.test"});
    ASSERT_TRUE(wait_until_idle(count));
    EXPECT_EQ(attempts.size(), count);
}

TEST_F(QueueManagerTest, puts_off_what_is_deferred_and_tries_it_when_flushed)
{
    bool works = false;
    add_agent("smtp", [&](const std::string& address) {
        return works || address == "good@remote.test" ? sent(address) : put_off(address);
    });
    start();
    const std::string id = submit({"good@remote.test", "bad@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_THAT(files("deferred"), ElementsAre(id));
    works = true;
    manager->flush();
    ASSERT_TRUE(wait_until_idle(3));
    EXPECT_THAT(attempts, ElementsAre("smtp good@remote.test", "smtp bad@remote.test", "smtp bad@remote.test"));
    EXPECT_TRUE(wait_for([&] { return files("deferred").empty() && files("active").empty(); }));
}

TEST_F(QueueManagerTest, finds_deferred_mail_again_after_a_restart)
{
    add_agent("smtp", put_off);
    start();
    submit({"bad@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    manager.reset();
    start();
    EXPECT_TRUE(wait_for([&] { return manager->deferred() == 1; }));
}

TEST_F(QueueManagerTest, leaves_defer_transports_alone_until_it_is_flushed)
{
    add_agent("retry", put_off);
    add_agent("smtp", sent);
    start("defer_transports = smtp\n");
    submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    manager->flush();
    ASSERT_TRUE(wait_until_idle(2));
    EXPECT_THAT(attempts, ElementsAre("retry a@remote.test", "smtp a@remote.test"));
}

TEST_F(QueueManagerTest, tries_again_at_once_what_is_put_off_while_it_is_flushed)
{
    add_agent("retry", put_off);
    add_agent("smtp", sent);
    start("defer_transports = smtp\n");
    gated = true;
    submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->active() == 1 && manager->recipients_in_memory() == 1; }));
    manager->flush();
    gated = false;
    gate.set();
    ASSERT_TRUE(wait_until_idle(2));
    EXPECT_THAT(attempts, ElementsAre("retry a@remote.test", "smtp a@remote.test"));
}

TEST_F(QueueManagerTest, bounds_the_active_queue)
{
    gated = true;
    add_agent("smtp", sent);
    start("qmgr_message_active_limit = 3\n");
    for (int i = 0; i < 10; ++i)
        submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->active() == 3; }));
    gated = false;
    gate.set();
    ASSERT_TRUE(wait_until_idle(10));
}

// The queue manager before died, or the power failed, while it moved this one: all but the file's content was written.
TEST_F(QueueManagerTest, does_not_take_the_torn_copy_of_a_survivor_for_a_second_message)
{
    gated = true;
    add_agent("smtp", put_off);
    const std::string id = submit({"a@remote.test"});
    const std::string torn = (directory / queue::queue_file_path(options, queue::QueueName::Deferred, id)).string();
    std::filesystem::create_directories(std::filesystem::path(torn).parent_path());
    ASSERT_TRUE(replace_file(torn, std::string(5000, '\0'), queue::mode_complete));
    start();
    ASSERT_TRUE(wait_for([&] { return manager->active() == 1; }));
    EXPECT_FALSE(wait_for([&] { return manager->deferred() == 1; }, 20));
    gate.set();
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_THAT(files("deferred"), ElementsAre(id));
}

TEST_F(QueueManagerTest, sets_a_message_aside_that_no_agent_can_read)
{
    add_agent("smtp", put_off);
    start();
    const std::string id = submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    const std::string path = queue::queue_file_path(options, queue::QueueName::Deferred, id);
    auto fd = open_file((directory / path).string(), O_RDWR);
    ASSERT_TRUE(fd);
    ASSERT_TRUE(write_fully_at(fd->get(), "?", queue::file_header_size));
    manager->flush();
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 0 && manager->active() == 0; }));
    EXPECT_THAT(files("corrupt"), ElementsAre(id));
    EXPECT_THAT(attempts, ElementsAre("smtp a@remote.test"));
}

TEST_F(QueueManagerTest, keeps_in_mind_what_cannot_be_activated_for_a_while)
{
    bool works = false;
    add_agent("smtp", [&](const std::string& address) { return works ? sent(address) : put_off(address); });
    start("minimal_backoff_time = 1s\n");
    submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    // No directory can be where a file is: as good an error as a full disk, for every user.
    std::filesystem::remove_all(directory / "active");
    ASSERT_TRUE(replace_file((directory / "active").string(), "", 0600));
    works = true;
    manager->flush();
    EXPECT_FALSE(wait_for([&] { return manager->deferred() == 0; }, 20));
    EXPECT_EQ(attempts.size(), 1U);
    std::filesystem::remove(directory / "active");
    std::filesystem::create_directory(directory / "active");
    ASSERT_TRUE(wait_until_idle(2));
}

TEST_F(QueueManagerTest, deferred_mail_leaves_room_for_new_mail)
{
    add_agent("smtp", put_off);
    start("qmgr_message_active_limit = 10\nminimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n");
    for (int i = 0; i < 30; ++i)
        submit({"u" + std::to_string(i) + "@slow.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 30; }));
    gated = true;
    gate.reset();
    ASSERT_TRUE(wait_for([&] { return manager->active() == 8; }));
    submit({"new@live.test"});
    EXPECT_TRUE(wait_for([&] { return manager->active() == 9; }));
    gated = false;
    gate.set();
}

TEST_F(QueueManagerTest, a_flushed_message_stays_flushed_when_its_agent_goes_away)
{
    add_agent("retry", put_off);
    add_dying_agent("smtp");
    start("defer_transports = smtp\n");
    submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    manager->flush();
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 2 && manager->active() == 0; }));
    held.clear();
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 3; }));
    EXPECT_THAT(attempts, ElementsAre("retry a@remote.test", "smtp dies", "smtp dies"));
}

TEST_F(QueueManagerTest, sets_a_message_aside_that_is_damaged_while_it_waits_in_the_journal)
{
    add_dying_agent("smtp");
    start();
    submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 1 && manager->active() == 0; }));
    ASSERT_TRUE(damage_in_journal("a@remote.test"));
    held.clear();
    manager->flush();
    ASSERT_TRUE(wait_for([&] { return files("corrupt").size() == 1; }));
    EXPECT_THAT(manager->list(), IsEmpty());
}

// While it is being opened, something takes its old place: so it can neither be read nor go back.
TEST_F(QueueManagerTest, keeps_in_mind_what_is_stranded_in_active)
{
    bool works = false;
    add_agent("smtp", [&](const std::string& address) { return works ? sent(address) : put_off(address); });
    start();
    const std::string id = submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    const auto path = directory / queue::queue_file_path(options, queue::QueueName::Deferred, id);
    const auto active = directory / queue::queue_file_path(options, queue::QueueName::Active, id);
    std::filesystem::permissions(path, std::filesystem::perms(queue::mode_incomplete));
    {
        WhileOpened interrupt(path, [&] { std::filesystem::create_directory(path); });
        if (!interrupt.is_possible)
            GTEST_SKIP() << "no leases here";
        works = true;
        manager->flush();
        ASSERT_TRUE(wait_for([&] { return std::filesystem::is_directory(path); }));
        EXPECT_TRUE(std::filesystem::exists(active));
    }
    std::filesystem::permissions(active, std::filesystem::perms(queue::mode_complete));
    manager->flush();
    ASSERT_TRUE(wait_until_idle(2));
    EXPECT_TRUE(wait_for([&] { return !std::filesystem::exists(active); }));
}

}  // namespace
}  // namespace posthaste::qmgr
