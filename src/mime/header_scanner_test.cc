// The header section of a message, line by line.
#include "mime/header_scanner.h"

#include <gtest/gtest.h>
#include <vector>

namespace posthaste::mime {
namespace {

struct Scanned {
    std::vector<std::string> headers;
    std::vector<std::string> body;
    bool separator = false;
};

Scanned scan(const std::vector<std::string>& lines, std::size_t limit = 1000)
{
    HeaderScanner scanner(limit);
    Scanned result;
    auto keep = [&](const std::optional<Header>& header) {
        if (header)
            result.headers.push_back(std::string(header->name) + "|" + std::string(header->text) +
                                     (header->truncated ? "|cut" : ""));
    };
    for (const auto& line : lines) {
        ScanStep step = scanner.feed(line);
        keep(step.completed);
        result.separator = result.separator || step.place == LinePlace::Separator;
        if (step.place == LinePlace::Body)
            result.body.push_back(line);
    }
    keep(scanner.finish());
    return result;
}

using Lines = std::vector<std::string>;

TEST(HeaderScanner, HeadersFoldedLinesAndBody)
{
    Scanned result = scan({"From: a", "Subject: x", "  y", "\tz", "To : b", "", "body: 1", "", "2"});
    EXPECT_EQ(result.headers, (Lines{"From|From: a", "Subject|Subject: x\n  y\n\tz", "To|To : b"}));
    EXPECT_TRUE(result.separator);
    EXPECT_EQ(result.body, (Lines{"body: 1", "", "2"}));
}

TEST(HeaderScanner, ALineThatIsNoHeaderStartsTheBody)
{
    Scanned result = scan({"From: a", "no header here", "x: y"});
    EXPECT_EQ(result.headers, (Lines{"From|From: a"}));
    EXPECT_FALSE(result.separator);
    EXPECT_EQ(result.body, (Lines{"no header here", "x: y"}));
    EXPECT_EQ(scan({"  starts with space"}).body, (Lines{"  starts with space"}));
    EXPECT_EQ(scan({": no name"}).body, (Lines{": no name"}));
    EXPECT_EQ(scan({"\xc3\xa9: x"}).body.size(), 1U);
}

TEST(HeaderScanner, AMessageWithoutBodyStillHasItsLastHeader)
{
    EXPECT_EQ(scan({"A: 1", " 2"}).headers, (Lines{"A|A: 1\n 2"}));
    EXPECT_TRUE(scan({}).headers.empty());
}

TEST(HeaderScanner, TextBeyondTheLimitIsDropped)
{
    EXPECT_EQ(scan({"A: 123456", " 789", "B: 1"}, 8).headers, (Lines{"A|A: 12345|cut", "B|B: 1"}));
    EXPECT_EQ(scan({"A: 1234", " 5", "B: 1"}, 8).headers, (Lines{"A|A: 1234 |cut", "B|B: 1"}));  // no empty line
    EXPECT_EQ(scan({"Abcdefghij: 1"}, 4).body, (Lines{"Abcdefghij: 1"}));
}

TEST(HeaderScanner, ValueIsWhatFollowsTheColon)
{
    HeaderScanner scanner;
    (void)scanner.feed("X : a:b");
    EXPECT_EQ(scanner.finish()->value(), " a:b");
}

}  // namespace
}  // namespace posthaste::mime
