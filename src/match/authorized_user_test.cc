// Whom authorized_..._users let in: the user who runs this test.
#include "match/authorized_user.h"

#include <gtest/gtest.h>

namespace posthaste::match {
namespace {

TEST(AuthorizedUser, TheRealUserIsLookedUp)
{
    const std::string me = real_user_name();
    EXPECT_TRUE(*is_real_user_in("authorized_submit_users", "static:anyone"));
    EXPECT_TRUE(*is_real_user_in("authorized_submit_users", "nobody-else, " + me));
    EXPECT_FALSE(*is_real_user_in("authorized_submit_users", "!" + me + ", static:all"));
    EXPECT_FALSE(*is_real_user_in("authorized_submit_users", ""));
}

TEST(AuthorizedUser, AListThatCannotBeAskedIsAnErrorThatNamesTheParameter)
{
    auto authorized = is_real_user_in("authorized_mailq_users", "hash:/nonexistent/users");
    ASSERT_FALSE(authorized);
    EXPECT_EQ(authorized.error().kind(), ErrorKind::Temporary);
    EXPECT_TRUE(authorized.error().text().starts_with("authorized_mailq_users: ")) << authorized.error().text();
}

}  // namespace
}  // namespace posthaste::match
