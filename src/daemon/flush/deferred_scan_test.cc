// Which deferred messages a flush of some sites finds.
#include "daemon/flush/deferred_scan.h"

#include "daemon/flush/deferred_fixture.h"

#include <fstream>
#include <gtest/gtest.h>
#include <set>

namespace posthaste::flush {
namespace {

using queue::RecipientMark;

class DeferredScanTest : public DeferredQueue {
protected:
    std::set<std::string> found_for(const Sites& sites)
    {
        std::set<std::string> found;
        DeferredScan scan(options_, sites);
        for (;;) {
            DeferredScan::Slice slice = scan.next();
            found.insert(slice.queue_ids.begin(), slice.queue_ids.end());
            if (slice.is_last)
                break;
        }
        EXPECT_TRUE(scan.result());
        return found;
    }
};

using Ids = std::set<std::string>;

TEST_F(DeferredScanTest, FindsWhatWaitsForARecipientAtASite)
{
    Sites sites;
    sites.add("relay.test", Subdomains::Without);
    EXPECT_EQ(found_for(sites), Ids{});
    defer("ABCDEF0001", {{"x@other.test"}, {"y@Relay.Test"}});
    defer("BBCDEF0002", {{"x@other.test"}});
    defer("CBCDEF0003", {{"x@relay.test", RecipientMark::Done}, {"y@other.test"}});
    defer("DBCDEF0004", {{"x@relay.test", RecipientMark::Bounced}});
    defer("EBCDEF0005", {{"x@sub.relay.test"}});
    EXPECT_EQ(found_for(sites), Ids{"ABCDEF0001"});
    sites.add("relay.test", Subdomains::With);
    sites.add("third.test", Subdomains::Without);
    EXPECT_EQ(found_for(sites), (Ids{"ABCDEF0001", "EBCDEF0005"}));
}

TEST_F(DeferredScanTest, WhatIsNoMessageIsPassedOver)
{
    std::ofstream(options_.directory + "/deferred/ABCDEF0001") << "no message";
    std::ofstream(options_.directory + "/deferred/ABCDEF0002") << "";
    Sites sites;
    sites.add("relay.test", Subdomains::Without);
    defer("ABCDEF0003", {{"x@relay.test"}});
    EXPECT_EQ(found_for(sites), Ids{"ABCDEF0003"});
}

TEST_F(DeferredScanTest, GoesThroughMoreFilesThanFitIntoASlice)
{
    Sites sites;
    sites.add("relay.test", Subdomains::Without);
    Ids expected;
    for (int i = 0; i < 600; ++i) {
        std::string id = "ABCDE" + std::to_string(10000 + i);
        defer(id, {{i % 2 == 0 ? "x@relay.test" : "x@other.test"}});
        if (i % 2 == 0)
            expected.insert(id);
    }
    EXPECT_EQ(found_for(sites), expected);
}

}  // namespace
}  // namespace posthaste::flush
