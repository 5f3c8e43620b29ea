// Which tables proxymap may open.
#include "daemon/proxymap/approved.h"

#include <gtest/gtest.h>

namespace posthaste::proxymap {
namespace {

using Names = std::set<std::string, std::less<>>;

TEST(Approved, OnlyWhatStandsBehindProxyIsApproved)
{
    EXPECT_EQ(approved_tables("hash:/a, proxy:unix:passwd.byname localhost $x proxy:proxy:hash:/b"),
              (Names{"unix:passwd.byname", "hash:/b"}));
    EXPECT_EQ(approved_tables(""), Names{});
    EXPECT_EQ(approved_tables("permit_mynetworks"), Names{});
}

TEST(Approved, TablesInBracesAreFound)
{
    EXPECT_EQ(approved_tables("{check_client_access proxy:cidr:/c, REJECT} unionmap:{proxy:hash:/a, inline:{a=b}}"),
              (Names{"cidr:/c", "hash:/a"}));
    EXPECT_EQ(approved_tables("proxy:inline:{a=b c=d}, proxy:pipemap:{hash:/a,proxy:hash:/b}"),
              (Names{"inline:{a=b c=d}", "pipemap:{hash:/a,proxy:hash:/b}", "hash:/b"}));
}

TEST(Approved, ABraceThatDoesNotCloseApprovesNothing)
{
    EXPECT_EQ(approved_tables("proxy:hash:/a {proxy:hash:/b"), Names{});
}

TEST(Approved, AListOfTablesCountsWithAndWithoutProxy)
{
    EXPECT_EQ(listed_tables("hash:/etc/aliases, proxy:ldap:/x"), (Names{"hash:/etc/aliases", "ldap:/x"}));
}

}  // namespace
}  // namespace posthaste::proxymap
