// Which deferred messages a flush of some sites finds.
#include "daemon/flush/deferred_scan.h"

#include "queue/envelope.h"
#include "queue/layout.h"
#include "queue/marks.h"
#include "queue/queue_file.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <unistd.h>

namespace posthaste::flush {
namespace {

using queue::RecipientMark;

class DeferredScanTest : public testing::Test {
protected:
    void SetUp() override
    {
        options_.directory = "/tmp/posthaste_deferred_scan_test." + std::to_string(::getpid());
        std::filesystem::remove_all(options_.directory);
        std::filesystem::create_directories(options_.directory + "/deferred");
    }
    void TearDown() override { std::filesystem::remove_all(options_.directory); }

    struct Marked {
        std::string address;
        RecipientMark mark = RecipientMark::Todo;
    };
    void defer(const std::string& queue_id, const std::vector<Marked>& recipients)
    {
        queue::Envelope envelope{.queue_id = queue_id, .sender = "a@b.test"};
        std::string marks(1, '\0');
        for (const Marked& recipient : recipients) {
            envelope.recipients.push_back({.address = recipient.address, .original = {}, .dsn_orcpt = {}});
            marks.push_back(static_cast<char>(recipient.mark));
        }
        const std::string path = queue::queue_file_path(options_, queue::QueueName::Deferred, queue_id);
        auto file = queue::FileBuilder::create(options_.directory, path);
        ASSERT_TRUE(file) << file.error().text();
        MUST((*file)->append_content("Subject: x\r\n\r\n"));
        MUST((*file)->finish(queue::encode_envelope(envelope, {}), marks));
        (*file)->keep();
    }

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

    queue::QueueOptions options_;
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
    std::ofstream(options_.directory + "/deferred/ABCDEF0002");
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
