// Which recipients belong to a site, and what a site is.
#include "daemon/flush/sites.h"

#include <gtest/gtest.h>

namespace posthaste::flush {
namespace {

TEST(Sites, ARecipientIsAtTheSiteOfItsDomainInAnyCase)
{
    Sites sites;
    sites.add("Relay.Test", Subdomains::Without);
    EXPECT_TRUE(sites.contain("user@relay.test"));
    EXPECT_TRUE(sites.contain("a@b@RELAY.TEST"));
    EXPECT_FALSE(sites.contain("user@sub.relay.test"));
    EXPECT_FALSE(sites.contain("user@notrelay.test"));
    EXPECT_FALSE(sites.contain("relay.test"));
    EXPECT_FALSE(sites.contain(""));
    EXPECT_FALSE(sites.contain("user@"));
}

TEST(Sites, SubdomainsCountWhereTheyWereAskedFor)
{
    Sites sites;
    sites.add("relay.test", Subdomains::With);
    sites.add("relay.test", Subdomains::Without);
    EXPECT_EQ(sites.size(), 1U);
    EXPECT_TRUE(sites.contain("user@relay.test"));
    EXPECT_TRUE(sites.contain("user@a.b.relay.test"));
    EXPECT_FALSE(sites.contain("user@notrelay.test"));
    EXPECT_TRUE(sites.has("RELAY.test", Subdomains::Without));
    EXPECT_TRUE(sites.has("relay.test", Subdomains::With));
    EXPECT_FALSE(sites.has("a.relay.test", Subdomains::With));
}

TEST(Sites, AnAddressLiteralIsASite)
{
    Sites sites;
    sites.add("[192.0.2.1]", Subdomains::Without);
    EXPECT_TRUE(sites.contain("user@[192.0.2.1]"));
    EXPECT_FALSE(sites.contain("user@[192.0.2.10]"));
    EXPECT_FALSE(sites.contain("user@192.0.2.1"));
}

TEST(Sites, TheLogNamesTheFirstTen)
{
    Sites sites;
    EXPECT_EQ(sites.text(), "");
    sites.add("b.test", Subdomains::With);
    sites.add("a.test", Subdomains::Without);
    EXPECT_EQ(sites.text(), "a.test, @b.test");
    for (int i = 0; i < 11; ++i)
        sites.add("c" + std::to_string(i) + ".test", Subdomains::Without);
    EXPECT_TRUE(sites.text().ends_with(" and 3 more")) << sites.text();
}

// As Postfix's smtpd and postqueue were seen to answer.
TEST(Site, IsADomainOrAnAddressLiteral)
{
    for (const char* site : {"relay.test", "relay", "a_b.test", "[192.0.2.1]", "[IPv6:::1]", "xn--4ca.test"})
        EXPECT_TRUE(is_valid_site(site)) << site;
    for (const char* site : {"", "relay.test.", "192.0.2.1", "[192.0.2.300]", "[::1]", "a@relay.test", "-x", "a..b",
                             "*", ".relay.test", "\xc3\xa4.test", "<relay.test>", "a b"})
        EXPECT_FALSE(is_valid_site(site)) << site;
}

}  // namespace
}  // namespace posthaste::flush
