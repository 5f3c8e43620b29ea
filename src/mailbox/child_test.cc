// What becomes of the work of a child, and what rights it has.
#include "mailbox/child.h"

#include "net/loop.h"
#include "net/tasks.h"

#include <algorithm>
#include <csignal>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <thread>
#include <unistd.h>

namespace posthaste::mailbox {
namespace {

constexpr std::chrono::seconds long_enough{30};

Account account_of(const passwd& entry)
{
    return {entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, entry.pw_shell};
}

Account myself()
{
    Account account;
    account.name = "me";
    account.uid = ::geteuid();
    account.gid = ::getegid();
    return account;
}

// Somebody whom /etc/group lists as a member of a further group; nobody if there is no such account.
Account member_of_more_groups()
{
    Account account = account_of(*::getpwnam("nobody"));
    ::setgrent();
    for (const group* entry = ::getgrent(); entry; entry = ::getgrent())
        for (char** member = entry->gr_mem; *member; ++member)
            if (const passwd* user = ::getpwnam(*member); user && user->pw_uid != 0 && user->pw_gid != entry->gr_gid)
                account = account_of(*user);
    ::endgrent();
    return account;
}

// "<uid> <gid> : <groups, sorted>" of the child.
dsn::Outcome rights()
{
    std::vector<gid_t> groups(256);
    groups.resize(static_cast<std::size_t>(::getgroups(256, groups.data())));
    std::ranges::sort(groups);
    std::string text = std::to_string(::getuid()) + " " + std::to_string(::getgid()) + " :";
    for (gid_t group : groups)
        text += " " + std::to_string(group);
    return dsn::Outcome::delivered({2, 0, 0}, text);
}

std::string expected_rights(const Account& account, const std::string& groups)
{
    return std::to_string(account.uid) + " " + std::to_string(account.gid) + " : " + groups;
}

TEST(Child, HasThePrimaryGroupOfTheUserOnly)
{
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root can become another user";
    const Account account = member_of_more_groups();
    const auto outcome = net::run_until_done(run_as(account, long_enough, rights));
    EXPECT_EQ(outcome.text, expected_rights(account, std::to_string(account.gid)));
}

TEST(Child, KeepsTheGroupThatItIsToldTo)
{
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root can become another user";
    Account account;
    account.name = "somebody";
    account.uid = 20001;
    account.gid = 20002;
    EXPECT_EQ(net::run_until_done(run_as(account, long_enough, rights, 20003)).text,
              expected_rights(account, "20002 20003"));
}

TEST(Child, DeliveryWhoseProcessIsKilledIsTriedAgain)
{
    const auto outcome = net::run_until_done(run_as(myself(), long_enough, [] {
        ::raise(SIGKILL);
        return dsn::Outcome::delivered({2, 0, 0}, "not reached");
    }));
    EXPECT_EQ(outcome.action, dsn::Action::Deferred);
    EXPECT_EQ(outcome.text, "the delivery process died");
}

TEST(Child, DeliveryThatTakesTooLongIsStoppedAndTriedAgain)
{
    const auto outcome = net::run_until_done(run_as(myself(), std::chrono::seconds(1), [] {
        std::this_thread::sleep_for(std::chrono::hours(1));
        return dsn::Outcome::delivered({2, 0, 0}, "not reached");
    }));
    EXPECT_EQ(outcome.action, dsn::Action::Deferred);
    EXPECT_EQ(outcome.text, "the delivery took too long and was stopped");
}

TEST(Child, AnotherUserCannotBeHadWithoutRoot)
{
    if (::geteuid() == 0)
        GTEST_SKIP() << "root can become another user";
    Account account = myself();
    ++account.uid;
    EXPECT_EQ(net::run_until_done(run_as(account, long_enough, rights)).action, dsn::Action::Deferred);
}

}  // namespace
}  // namespace posthaste::mailbox
