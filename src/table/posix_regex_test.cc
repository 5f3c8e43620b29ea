// Expressions with back-references mean the same to PCRE2 as to the C library.
#include "table/posix_regex.h"

#include "table/pcre_code.h"
#include "table/table.h"

#include <gtest/gtest.h>
#include <regex.h>

namespace posthaste::table {
namespace {

bool posix_matches(const std::string& expression, const std::string& subject)
{
    regex_t regex{};
    EXPECT_EQ(regcomp(&regex, expression.c_str(), REG_EXTENDED), 0) << expression;
    const bool found = regexec(&regex, subject.c_str(), 0, nullptr, 0) == 0;
    regfree(&regex);
    return found;
}

TEST(BackReferences, MatchTheSameTexts)
{
    for (const char* expression :
         {R"((.)\1)", R"(^(a|ab)(c|bcd)\2*$)", R"((.)\1{2,})", R"(([[:alpha:]]+) \1$)", R"(([^]\x]+)-\1)",
          R"(\<(\w+)\W+\1\>)", R"((a)\1|b)", R"(\.(x)\1\.)", R"((a*)(b)?\1c)", R"(([a\]+)=\1)", R"(^(.+)\1\'|\`z)",
          R"((\d)\1)", R"(([[])\1)", R"(x{2}(y)\1)"}) {
        auto translated = pcre_of_back_references(expression, NewlineIs::OrdinaryCharacter);
        ASSERT_TRUE(translated) << expression;
        auto code = PcreCode::compile(*translated, PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY);
        ASSERT_TRUE(code) << *translated << ": " << code.error().text();
        for (const char* subject :
             {"",        "aa",      "abab",    "abcdbcd",  "acc",  "aaaa", "word word", "Word word x", "a-a",
              "]-]",     "x\\-x\\", "the the", "them the", ".xx.", "axx.", "aaca",      "b",           "c",
              "a\\=a\\", "dd",      "11",      "[[",       "xxyy", "z",    "zz\n",      "aa\n",        "x\nx\n"}) {
            PcreCode::Captures captures;
            EXPECT_EQ(code->matches(subject, captures), posix_matches(expression, subject))
                << expression << " as " << *translated << " on '" << subject << "'";
        }
    }
}

TEST(BackReferences, WhatHasNoneOrNoCounterpartStaysWithTheLibrary)
{
    for (const char* expression : {"a+", R"([\1])", R"((a)\1+?)", R"((a){,3}\1)", R"(([[.a.]])\1)", R"((a)\1**?)"})
        EXPECT_FALSE(pcre_of_back_references(expression, NewlineIs::OrdinaryCharacter)) << expression;
}

TEST(BackReferences, AreSubstituted)
{
    auto table = open(R"(regexp:{{/^(.)(.)\2x/ twice $2 after $1}})");
    ASSERT_TRUE(table);
    EXPECT_EQ((*table)->lookup("abbx").take_ready().value(), "twice b after a");
    EXPECT_FALSE((*table)->lookup("abcx").take_ready().value());
}

// The C library takes hours.
TEST(BackReferences, CannotHoldUpALookup)
{
    auto table = open(R"(regexp:{{/^(a|aa)+\1$/ x}, {/(a*)*\1c/ y}})");
    ASSERT_TRUE(table);
    auto answer = (*table)->lookup(std::string(4000, 'a') + "b").take_ready();
    EXPECT_TRUE(!answer || !*answer);
}

}  // namespace
}  // namespace posthaste::table
