// Tables that are made of other tables, and those that need no source at all.
#include "table/table.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <set>

namespace posthaste::table {
namespace {

std::string value_of(std::string_view table, std::string_view key, KeyCase key_case = KeyCase::Fold)
{
    auto opened = open(table, {.key_case = key_case, .warn = [](std::string_view) {}});
    if (!opened)
        return "error: " + opened.error().text();
    Lookup lookup = (*opened)->lookup(key);
    if (!lookup.ready())
        return "(later)";
    Answer answer = lookup.take_ready();
    if (!answer) {
        EXPECT_EQ(answer.error().kind(), ErrorKind::Temporary);
        return "lookup error: " + answer.error().text();
    }
    return answer->value_or("(not found)");
}

TEST(Pipemap, GivesEachAnswerToTheNextTable)
{
    EXPECT_EQ(value_of("pipemap:{inline:{k=v},inline:{v=w}}", "K"), "w");
    EXPECT_EQ(value_of("pipemap:{inline:{k=v}, static:x}", "k"), "x");
    EXPECT_EQ(value_of("pipemap:{inline:{k=v},inline:{z=w}}", "k"), "(not found)");
    EXPECT_EQ(value_of("pipemap:{inline:{k=v},inline:{v=w}}", "n"), "(not found)");
}

TEST(Pipemap, FailsWithItsMember)
{
    EXPECT_EQ(
        value_of("pipemap:{static:a,fail:x}", "k"),
        "lookup error: table pipemap:{static:a,fail:x}: query error: table fail:x: query error: Application error");
    EXPECT_EQ(value_of("pipemap:{inline:{k=v},fail:x}", "n"), "(not found)");
}

TEST(Pipemap, RefusesWhatIsNoListOfTables)
{
    for (std::string name :
         {"pipemap:inline:{k=v}", "pipemap:{}", "pipemap:{x}", "pipemap:{static:a} x", "pipemap:{static:a"})
        EXPECT_EQ(value_of(name, "k"), "error: bad syntax: \"" + name + "\"; need \"pipemap:{type:name...}\"");
    EXPECT_TRUE(value_of("pipemap:{nosuch:x}", "k").starts_with("error: unsupported dictionary type: nosuch"));
}

TEST(Unionmap, JoinsWhatItsTablesSay)
{
    EXPECT_EQ(value_of("unionmap:{inline:{k=v},inline:{k=w}}", "K"), "v,w");
    EXPECT_EQ(value_of("unionmap:{inline:{k=v},inline:{z=w},static:{a, b}}", "k"), "v,a, b");
    EXPECT_EQ(value_of("unionmap:{inline:{k=},static:y}", "k"), "y");
    const auto nested = [](int depth) {
        std::string name = "static:a";
        for (int i = 0; i < depth; ++i)
            name = "unionmap:{" + name + "}";
        return name;
    };
    EXPECT_EQ(value_of(nested(100), "k"), "a");
    EXPECT_FALSE(open(nested(101)));
    EXPECT_EQ(value_of("unionmap:{inline:{k=v},inline:{k=w}}", "n"), "(not found)");
    EXPECT_TRUE(value_of("unionmap:{static:a,fail:x}", "k").starts_with("lookup error: table unionmap:"));
}

TEST(Unionmap, MatchesPatternsAsSoonAsOneMemberDoes)
{
    EXPECT_EQ((*open("unionmap:{static:a,inline:{b=c}}"))->flags().match, KeyMatch::Fixed);
    EXPECT_EQ((*open("unionmap:{static:a,regexp:{{/a/ b}}}"))->flags().match, KeyMatch::Pattern);
}

TEST(Randmap, PicksEveryValueSoonerOrLater)
{
    auto table = open("randmap:{a, b c}");
    ASSERT_TRUE(table);
    std::set<std::string> seen;
    for (int i = 0; i < 1000 && seen.size() < 3; ++i)  // missing one has a chance of 1 in 10^176
        seen.insert((*table)->lookup("k").take_ready()->value());
    EXPECT_EQ(seen, (std::set<std::string>{"a", "b", "c"}));
    EXPECT_EQ(value_of("randmap:{{a b}}", "k"), "{a b}");
    EXPECT_EQ(value_of("randmap:{}", "k"), "error: bad syntax: \"randmap:{}\"; need \"randmap:{value...}\"");
    EXPECT_EQ(value_of("randmap:a", "k"), "error: bad syntax: \"randmap:a\"; need \"randmap:{value...}\"");
}

TEST(Environ, LooksVariablesUp)
{
    ASSERT_EQ(setenv("posthaste_test", "value", 1), 0);
    ASSERT_EQ(setenv("POSTHASTE_TEST", "capitals", 1), 0);
    EXPECT_EQ(value_of("environ:", "posthaste_test"),
              "error: open dictionary: expecting \"type:name\" form instead of \"environ:\"");
    EXPECT_EQ(value_of("environ:x", "POSTHASTE_TEST"), "value");
    EXPECT_EQ(value_of("environ:x", "POSTHASTE_TEST", KeyCase::Keep), "capitals");
    EXPECT_EQ(value_of("environ:x", "posthaste_no_such_variable"), "(not found)");
    EXPECT_EQ(value_of("environ:x", "posthaste_test=value"), "(not found)");
}

TEST(Internal, IsEmpty) { EXPECT_EQ(value_of("internal:x", "k"), "(not found)"); }

TEST(Debug, AnswersLikeTheTableItNames)
{
    EXPECT_EQ(value_of("debug:inline:{k=v}", "K"), "v");
    EXPECT_EQ(value_of("debug:inline:{k=v}", "n"), "(not found)");
    EXPECT_EQ(value_of("debug:fail:x", "n"), "lookup error: table fail:x: query error: Application error");
    EXPECT_EQ((*open("debug:regexp:{{/a/ b}}"))->flags().match, KeyMatch::Pattern);
}

TEST(Types, ThatCannotBeHadAreRefusedWithTheReason)
{
    for (std::string type : {"dbm", "sdbm", "nis", "nisplus", "netinfo", "mongodb"}) {
        auto opened = open(type + ":x");
        ASSERT_FALSE(opened);
        EXPECT_TRUE(opened.error().text().starts_with("unsupported dictionary type: " + type + ": "))
            << opened.error().text();
    }
}

}  // namespace
}  // namespace posthaste::table
