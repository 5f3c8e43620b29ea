// Logical lines, `name = value`, and what is wrong with lines that are neither.
#include "config/main_cf.h"

#include <gtest/gtest.h>

namespace posthaste::config {
namespace {

std::string refusal(std::string_view text)
{
    const auto result = parse_main_cf(text, "main.cf");
    return result ? "accepted" : result.error().text();
}

TEST(MainCf, CommentsAndEmptyLinesDoNotEndALogicalLine)
{
    const auto main_cf = parse_main_cf("# top\na = 1,\n  # inside\n\n\t2,\n   \n  3\nb=4\n", "main.cf");
    ASSERT_TRUE(main_cf);
    ASSERT_EQ(main_cf->settings.size(), 2);
    EXPECT_EQ(main_cf->settings[0].value, "1,\t2,  3");
    EXPECT_EQ(main_cf->settings[0].place.line, 2);
    EXPECT_EQ(main_cf->settings[1].name, "b");
    EXPECT_EQ(main_cf->settings[1].place.line, 8);
}

TEST(MainCf, HashInAValueIsNoComment)
{
    EXPECT_EQ(parse_main_cf("a = b # c\n", "main.cf")->settings[0].value, "b # c");
}

TEST(MainCf, TheLastLineNeedsNoNewlineAndCrLfIsRead)
{
    const auto main_cf = parse_main_cf("a = b\r\nc = d", "main.cf");
    EXPECT_EQ(main_cf->settings[0].value, "b");
    EXPECT_EQ(main_cf->settings[1].value, "d");
}

TEST(MainCf, ValuesMayBeEmptyAndHoldEqualsSigns)
{
    const auto main_cf = parse_main_cf("a =\nb = c = d\n", "main.cf");
    EXPECT_EQ(main_cf->settings[0].value, "");
    EXPECT_EQ(main_cf->settings[1].value, "c = d");
}

TEST(MainCf, SyntaxErrorsNameFileAndLine)
{
    EXPECT_EQ(refusal("a = 1\nfoo bar = baz\n"),
              "main.cf, line 2: missing '=' after attribute name: \"foo bar = baz\"");
    EXPECT_EQ(refusal("foo\n"), "main.cf, line 1: missing '=' after attribute name: \"foo\"");
    EXPECT_EQ(refusal("\n\n= 1\n"), "main.cf, line 3: missing attribute name: \"= 1\"");
}

TEST(MainCf, AllLinesThatAreNoSettingsAreNamed)
{
    EXPECT_EQ(refusal("foo\na = b\n= c\n"), "main.cf, line 1: missing '=' after attribute name: \"foo\"; "
                                            "main.cf, line 3: missing attribute name: \"= c\"");
    std::string many;
    for (int i = 0; i < 12; ++i)
        many += "x\n";
    EXPECT_TRUE(refusal(many).ends_with("line 10: missing '=' after attribute name: \"x\"; and 2 more errors"));
}

TEST(MainCf, NoticesTellOfRepeatedNamesAndOfLinesThatContinueNothing)
{
    const auto main_cf = parse_main_cf("  lost\na = 1\na = 2\n", "main.cf");
    ASSERT_EQ(main_cf->notices.size(), 2);
    EXPECT_EQ(main_cf->notices[0].text, "logical line must not start with whitespace: \"  lost\"");
    EXPECT_EQ(main_cf->notices[1].text, "overriding earlier entry: a=1");
    EXPECT_EQ(main_cf->notices[1].place.line, 3);
}

}  // namespace
}  // namespace posthaste::config
