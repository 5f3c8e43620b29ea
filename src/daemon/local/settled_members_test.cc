#include "daemon/local/settled_members.h"

#include <gtest/gtest.h>

namespace posthaste::local {

namespace {

SettledMembers::Members delivered(const std::string& member)
{
    return {{member, dsn::Outcome::delivered({2, 0, 0}, "delivered to mailbox")}};
}

}  // namespace

TEST(SettledMembers, are_known_until_they_are_taken)
{
    SettledMembers settled;
    settled.keep({"ID1", 0}, delivered("a"));
    settled.keep({"ID1", 1}, delivered("b"));
    EXPECT_TRUE(settled.take({"ID1", 0}).contains("a"));
    EXPECT_TRUE(settled.take({"ID1", 0}).empty());
    EXPECT_TRUE(settled.take({"ID1", 1}).contains("b"));
    EXPECT_EQ(settled.size(), 0U);
}

TEST(SettledMembers, replace_what_was_kept_before)
{
    SettledMembers settled;
    settled.keep({"ID1", 0}, delivered("a"));
    settled.keep({"ID1", 0}, delivered("b"));
    EXPECT_EQ(settled.size(), 1U);
    EXPECT_FALSE(settled.take({"ID1", 0}).contains("a"));
}

TEST(SettledMembers, take_no_place_where_nothing_is_settled)
{
    SettledMembers settled;
    settled.keep({"ID1", 0}, {});
    EXPECT_EQ(settled.size(), 0U);
}

TEST(SettledMembers, forget_the_oldest_beyond_the_limit)
{
    SettledMembers settled(2);
    settled.keep({"ID1", 0}, delivered("a"));
    settled.keep({"ID2", 0}, delivered("a"));
    settled.keep({"ID1", 0}, delivered("a"));  // now ID2 is the oldest
    settled.keep({"ID3", 0}, delivered("a"));
    EXPECT_EQ(settled.size(), 2U);
    EXPECT_TRUE(settled.take({"ID2", 0}).empty());
    EXPECT_FALSE(settled.take({"ID1", 0}).empty());
}

}  // namespace posthaste::local
