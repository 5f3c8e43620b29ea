#include "testmail/ledger.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

namespace posthaste::testmail {
namespace {

TEST(Ledger, SaysWhatIsMissingDoubledAndNeverPromised)
{
    Comparison result = compare("10.000000\tr-1\ta@x\tb@x\n10.500000\tr-2\ta@x\n11.000000\tr-3\ta@x\n",
                                "10.250000\tr-1\ta@x\n10.100000\tr-1\tb@x\n10.700000\tr-2\ta@x\n10.800000\tr-2\ta@x\n"
                                "10.900000\tr-4\ta@x\n10.950000\t-\tc@x\n");
    EXPECT_EQ(result.acknowledged, 4U);
    EXPECT_EQ(result.arrived, 3U);
    ASSERT_EQ(result.missing.size(), 1U);
    EXPECT_EQ(result.missing[0].id, "r-3");
    ASSERT_EQ(result.doubled.size(), 1U);
    EXPECT_EQ(result.doubled[0].id, "r-2");
    EXPECT_EQ(result.doubled[0].times, 2U);
    ASSERT_EQ(result.unannounced.size(), 1U);
    EXPECT_EQ(result.unannounced[0].id, "r-4");
    EXPECT_EQ(result.without_id, 1U);
    ASSERT_EQ(result.seconds_between.size(), 3U);
    EXPECT_NEAR(result.seconds_between.back(), 0.25, 1e-6);
    EXPECT_EQ(report(result), "missing r-3 a@x\n"
                              "doubled r-2 a@x: 2 times\n"
                              "4 deliveries acknowledged, 3 arrived, 1 missing, 1 doubled\n"
                              "1 arrived that were not acknowledged to the source\n"
                              "1 messages without an id\n"
                              "acknowledged to arrived: median 200.0 ms, 99th percentile 250.0 ms, longest 250.0 ms\n");
}

TEST(Ledger, LineThatWasCutOffPromisesNothing)
{
    EXPECT_EQ(compare("10.000000\tr-1\ta@x\n10.000000\tr-2\ta@", "").acknowledged, 1U);
    EXPECT_EQ(compare("10.000000\tr-1\ta@x\n", "10.000000\tr-1\ta@x").missing.size(), 1U);
}

TEST(Ledger, IsAppendedTo)
{
    std::string path = "/tmp/ledger_test." + std::to_string(::getpid());
    const std::vector<std::string> recipients{"a@x", "\"b c\"@x"};
    for (int i = 1; i <= 2; ++i) {
        Result<Ledger> ledger = Ledger::open(path);
        ASSERT_TRUE(ledger) << ledger.error().text();
        ledger->add("r-" + std::to_string(i), recipients,
                    std::chrono::system_clock::time_point(std::chrono::seconds(7)));
        ASSERT_TRUE(ledger->write_out());
    }
    EXPECT_EQ(read_file(path).value_or(""), "7.000000\tr-1\ta@x\t\"b c\"@x\n7.000000\tr-2\ta@x\t\"b c\"@x\n");
    std::filesystem::remove(path);
}

TEST(IdFinder, FindsTheIdInWholeAndInPieces)
{
    const std::string message =
        "Received: by x\r\n\tx\r\nX-Posthaste-Id: r-17\r\nSubject: x\r\n\r\nX-Posthaste-Id: 2\r\n";
    for (std::size_t piece = 1; piece <= message.size(); ++piece) {
        IdFinder finder;
        for (std::size_t at = 0; at < message.size(); at += piece)
            finder.feed(std::string_view(message).substr(at, piece));
        EXPECT_EQ(finder.id(), "r-17") << piece;
    }
}

TEST(IdFinder, DoesNotLookIntoTheBody)
{
    IdFinder finder;
    finder.feed("Subject: returned\r\n\r\nX-Posthaste-Id: r-1\r\n");
    EXPECT_EQ(finder.id(), no_id);
    finder.reset();
    finder.feed("x-posthaste-id:r-2\r\n");
    EXPECT_EQ(finder.id(), "r-2");
}

}  // namespace
}  // namespace posthaste::testmail
