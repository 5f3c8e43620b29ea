// Who waits for whom before a mailbox is opened.
#include "mailbox/turns.h"

#include <gtest/gtest.h>
#include <vector>

namespace posthaste::mailbox {
namespace {

constexpr std::chrono::seconds long_enough{30};

// Takes a turn and keeps it until `leave` is set.
Task<void> use(Turns* turns, std::string path, std::vector<std::string>* log, net::Event* leave,
               net::Deadline deadline = net::Deadline::after(long_enough))
{
    auto turn = co_await turns->take(path, deadline);
    log->push_back(path);
    static_cast<void>(co_await leave->wait(net::Deadline::after(long_enough)));
}

TEST(Turns, DeliveriesToOneMailboxFollowEachOther)
{
    Turns turns;
    std::vector<std::string> log;
    net::Event first;
    net::Event second;
    net::TaskGroup tasks;
    tasks.start(use(&turns, "/m/a", &log, &first));
    tasks.start(use(&turns, "/m/a", &log, &second));
    tasks.start(use(&turns, "/m/b", &log, &second));
    EXPECT_EQ(log, (std::vector<std::string>{"/m/a", "/m/b"}));
    EXPECT_EQ(turns.mailboxes(), 2U);
    second.set();
    first.set();
    ASSERT_TRUE(net::run_until_done(tasks.join(net::Deadline::after(long_enough))).has_value());
    EXPECT_EQ(log, (std::vector<std::string>{"/m/a", "/m/b", "/m/a"}));
    EXPECT_EQ(turns.mailboxes(), 0U);
}

TEST(Turns, MaildirsNeedNone)
{
    Turns turns;
    std::vector<std::string> log;
    net::Event leave;
    net::TaskGroup tasks;
    tasks.start(use(&turns, "/m/a/", &log, &leave));
    tasks.start(use(&turns, "/m/a/", &log, &leave));
    EXPECT_EQ(log.size(), 2U);
    EXPECT_EQ(turns.mailboxes(), 0U);
    leave.set();
    ASSERT_TRUE(net::run_until_done(tasks.join(net::Deadline::after(long_enough))).has_value());
}

TEST(Turns, WhoHasWaitedForTooLongGoesAheadAndFreesNothing)
{
    Turns turns;
    std::vector<std::string> log;
    net::Event first;
    net::Event impatient;
    net::Event third;
    net::TaskGroup tasks;
    net::TaskGroup others;
    others.start(use(&turns, "/m/a", &log, &first));
    impatient.set();
    tasks.start(use(&turns, "/m/a", &log, &impatient, net::Deadline::after(std::chrono::milliseconds(1))));
    ASSERT_TRUE(net::run_until_done(tasks.join(net::Deadline::after(long_enough))).has_value());
    EXPECT_EQ(log.size(), 2U);
    others.start(use(&turns, "/m/a", &log, &third));
    EXPECT_EQ(log.size(), 2U);  // the first one still has its turn
    first.set();
    third.set();
    ASSERT_TRUE(net::run_until_done(others.join(net::Deadline::after(long_enough))).has_value());
    EXPECT_EQ(log.size(), 3U);
    EXPECT_EQ(turns.mailboxes(), 0U);
}

TEST(Turns, TurnMayOutliveItsOwner)
{
    std::vector<std::string> log;
    net::Event leave;
    net::TaskGroup tasks;
    auto turns = std::make_unique<Turns>();
    tasks.start(use(turns.get(), "/m/a", &log, &leave));
    tasks.start(use(turns.get(), "/m/a", &log, &leave));
    turns.reset();
    leave.set();
    EXPECT_TRUE(net::run_until_done(tasks.join(net::Deadline::after(long_enough))).has_value());
    EXPECT_EQ(log.size(), 2U);
}

}  // namespace
}  // namespace posthaste::mailbox
