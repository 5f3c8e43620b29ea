// The lists of variables in main.cf.
#include "config/environment.h"

#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::config {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(Environment, NamesHaveOurValueAndAssignmentsTheirOwn)
{
    ::setenv("POSTHASTE_TEST", "ours", 1);
    EXPECT_THAT(*listed_variables("POSTHASTE_TEST, PATH=/bin:/x { GREETING = hello, world } POSTHASTE_UNSET"),
                ElementsAre(Pair("POSTHASTE_TEST", "ours"), Pair("PATH", "/bin:/x"), Pair("GREETING", "hello, world")));
    ::unsetenv("POSTHASTE_TEST");
}

TEST(Environment, WhatBracesHoldIsAnAssignmentAndEnds)
{
    EXPECT_EQ(listed_variables("TZ {A = b").error().text(), "missing '}' in \"{A = b\"");
    EXPECT_EQ(exported_variables("TZ {A b}").error().text(), "name=value expected in \"{A b}\"");
    EXPECT_EQ(listed_variables("{=b}").error().text(), "name=value expected in \"{=b}\"");
}

TEST(Environment, TheLastWordCounts)
{
    EXPECT_THAT(*listed_variables("A=1 B=2 A=3"), ElementsAre(Pair("A", "3"), Pair("B", "2")));
}

}  // namespace
}  // namespace posthaste::config
