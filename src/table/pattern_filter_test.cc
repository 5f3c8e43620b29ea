#include "table/pattern_filter.h"
#include "table/required_literals.h"
#include "table/table.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

using namespace posthaste::table;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

namespace {

std::vector<std::string> pcre(std::string_view expression) { return required_literals(expression, RegexSyntax::Pcre); }
std::vector<std::string> posix(std::string_view expression)
{
    return required_literals(expression, RegexSyntax::PosixExtended);
}

std::string value_of(Table& table, std::string_view key)
{
    auto answer = table.lookup(key).take_ready();
    return answer ? answer->value_or("(not found)") : "error: " + answer.error().text();
}

}  // namespace

TEST(required_literals, the_longest_run_is_taken_and_folded)
{
    EXPECT_THAT(pcre("^mail[0-9]+\\.Example\\.COM$"), ElementsAre(".example.com"));
    EXPECT_THAT(posix("^mail[0-9]+\\.Example\\.COM$"), ElementsAre(".example.com"));
    EXPECT_THAT(pcre("example[.]com"), ElementsAre("example.com"));
}

TEST(required_literals, every_branch_brings_one_or_there_is_none)
{
    EXPECT_THAT(pcre("(viagra|cialis)"), UnorderedElementsAre("viagra", "cialis"));
    EXPECT_THAT(pcre("viagra|.*"), IsEmpty());
    EXPECT_THAT(pcre("viagra|"), IsEmpty());
    EXPECT_THAT(posix("(abc|def)*ghi"), ElementsAre("ghi"));
}

TEST(required_literals, what_may_be_missing_is_not_required)
{
    EXPECT_THAT(pcre("abcd?"), ElementsAre("abc"));
    EXPECT_THAT(pcre("abcd*ef"), ElementsAre("abc"));
    EXPECT_THAT(pcre("abcd{0,3}"), ElementsAre("abc"));
    EXPECT_THAT(pcre("abcd{2}"), ElementsAre("abcd"));
    EXPECT_THAT(pcre("abcd+?ef"), ElementsAre("abcd"));
    EXPECT_THAT(posix("abcd+?ef"), ElementsAre("abc"));
    EXPECT_THAT(pcre("(abc)?"), IsEmpty());
    EXPECT_THAT(pcre("(?!abc)"), IsEmpty());
    EXPECT_THAT(pcre("a.b^c$d"), ElementsAre("a"));
}

TEST(required_literals, brackets_end_where_the_syntax_says)
{
    EXPECT_THAT(pcre("[]abc]def"), ElementsAre("def"));
    EXPECT_THAT(pcre("[^]abc]def"), ElementsAre("def"));
    EXPECT_THAT(pcre("[[:alpha:]]def"), ElementsAre("def"));
    EXPECT_THAT(pcre("[\\]abc]def"), ElementsAre("def"));
    EXPECT_THAT(posix("[\\]abc]def"), ElementsAre("\\abc"));
}

TEST(required_literals, options_and_groups_of_pcre)
{
    EXPECT_THAT(pcre("(?i)abc"), ElementsAre("abc"));
    EXPECT_THAT(pcre("(?:abc)+d"), ElementsAre("abc"));
    EXPECT_THAT(pcre("(?<name>abc)"), ElementsAre("abc"));
}

TEST(required_literals, what_is_not_understood_gives_none)
{
    for (std::string_view expression :
         {"(*ACCEPT)abc", "abc(*ACCEPT)def", "\\Qa|b\\Eabc", "(?x)abc", "(?#comment)abc", "(?R)abc", "(?(1)abc|d)",
          "\\x41bcd", "abc\\12", "[[.x.]]abc", "abc{,2}", "*abc", "abc)", "(abc", "[abc", "abc\\", "(?|abc|def)"})
        EXPECT_THAT(pcre(expression), IsEmpty()) << expression;
    EXPECT_THAT(posix("(?abc)"), IsEmpty());
    EXPECT_THAT(posix("a|*abc"), IsEmpty());
}

TEST(pattern_filter, only_what_has_its_text_is_possible)
{
    PatternFilter filter(std::vector<std::vector<std::string>>{{"alpha"}, {}, {"beta", "gamma"}, {"ab"}, {"alphabet"}});
    const PositionSet& possible = filter.possible("The ALPHA and the Gamma");
    std::vector<bool> found;
    for (std::size_t i = 0; i < 5; ++i)
        found.push_back(possible.contains(i));
    EXPECT_THAT(found, ElementsAre(true, true, true, true, false));
}

TEST(pattern_filter, letters_beyond_ascii_leave_everything_possible)
{
    // U+212A, the Kelvin sign, is a k in another case.
    auto table = open("pcre:{{/kilo/ k}, {/mega/ m}, {/giga/ g}, {/tera/ t}}").value();
    EXPECT_EQ(value_of(*table, "\xe2\x84\xaailo"), "k");
    EXPECT_EQ(value_of(*table, "kilo"), "k");
    EXPECT_EQ(value_of(*table, "TERA"), "t");
    EXPECT_EQ(value_of(*table, "peta"), "(not found)");
}

TEST(pattern_filter, negated_rules_and_blocks_mean_what_they_mean_without_it)
{
    for (std::string type : {"pcre", "regexp"}) {
        auto table = open(type + ":{{if /alpha/}, {/beta/ ab}, {!/gamma/ a}, {endif}, {if !/delta/}, {/epsilon/ e}, "
                                 "{endif}, {!/zeta/ rest}}")
                         .value();
        EXPECT_EQ(value_of(*table, "alpha beta"), "ab");
        EXPECT_EQ(value_of(*table, "alpha"), "a");
        EXPECT_EQ(value_of(*table, "alpha gamma zeta"), "(not found)");
        EXPECT_EQ(value_of(*table, "beta"), "rest");
        EXPECT_EQ(value_of(*table, "epsilon"), "e");
        EXPECT_EQ(value_of(*table, "epsilon delta"), "rest");
        EXPECT_EQ(value_of(*table, "zeta"), "(not found)");
    }
}

TEST(pattern_filter, the_first_of_many_patterns_wins)
{
    std::string rules = "{";
    for (int i = 0; i < 1000; ++i)
        rules += fmt::format("{{/^host{}\\./ first{}}}, {{/^host{}\\.net/ second}},", i, i, i);
    rules += "}";
    for (std::string type : {"pcre:", "regexp:"}) {
        auto table = open(type + rules).value();
        EXPECT_EQ(value_of(*table, "host17.net"), "first17");
        EXPECT_EQ(value_of(*table, "host999.com"), "first999");
        EXPECT_EQ(value_of(*table, "host1000.com"), "(not found)");
    }
}
