#include "command/qshape/distribution.h"

#include <gtest/gtest.h>

namespace posthaste::command::qshape {
namespace {

// What Debian's qshape printed for the same ages and addresses.
TEST(Distribution, LooksLikePostfixs)
{
    Distribution distribution({.buckets = 10});
    for (std::string_view address : {"x@b.example", "x@a.x.b.example", "x@c.x.b.example"})
        distribution.add(address, 3);
    for (std::string_view address : {"x@d.other.test", "x@e.other.test", "x@other.test"})
        distribution.add(address, 5.01);
    distribution.add("nodomain", 10);
    distribution.add("x@trailing.test.", 100);
    distribution.add("x@1281", 1281);
    distribution.add("x@future", -10);
    for (int i = 0; i < 1200; ++i)
        distribution.add("x@Many.Test", 50);
    EXPECT_EQ(distribution.table(), R"(                                       T  5 10 20 40   80 160 320 640 1280 1280+
                              TOTAL 1210  4  3  1  0 1200   1   0   0    0     1
                          many.test 1200  0  0  0  0 1200   0   0   0    0     0
                               1281    1  0  0  0  0    0   0   0   0    0     1
                             future    1  1  0  0  0    0   0   0   0    0     0
                           nodomain    1  0  0  1  0    0   0   0   0    0     0
                          b.example    1  1  0  0  0    0   0   0   0    0     0
                         other.test    1  0  1  0  0    0   0   0   0    0     0
                       d.other.test    1  0  1  0  0    0   0   0   0    0     0
                       e.other.test    1  0  1  0  0    0   0   0   0    0     0
                      a.x.b.example    1  1  0  0  0    0   0   0   0    0     0
                      c.x.b.example    1  1  0  0  0    0   0   0   0    0     0
                      trailing.test    1  0  0  0  0    0   1   0   0    0     0
)");
    EXPECT_EQ(distribution.table(0), distribution.table().substr(0, 162));
}

TEST(Distribution, ParentDomainsNeedEnoughChildren)
{
    Distribution two({.buckets = 1, .parents = true, .minimum_subdomains = 2, .line_width = 30});
    for (std::string_view address :
         {"x@b.example", "x@a.x.b.example", "x@c.x.b.example", "x@[10.0.0.1]", "x@[10.1.0.1]"})
        two.add(address, 0);
    EXPECT_EQ(two.table(), "                          T 0+\n"
                           "                   TOTAL  5  5\n"
                           "            .x.b.example  2  2\n"
                           "               b.example  1  1\n"
                           "              [10.0.0.1]  1  1\n"
                           "              [10.1.0.1]  1  1\n"
                           "           a.x.b.example  1  1\n"
                           "           c.x.b.example  1  1\n");
}

std::string first_line(const Shape& shape)
{
    std::string table = Distribution(shape).table();
    return table.substr(table.find_first_not_of(' '), table.find('\n') - table.find_first_not_of(' '));
}

TEST(Distribution, AgesGrowGeometricallyOrLinearly)
{
    EXPECT_EQ(first_line({.buckets = 3}), "T  5 10 10+");
    EXPECT_EQ(first_line({.buckets = 3, .bucket_minutes = 1}), "T  1  2 2+");
    EXPECT_EQ(first_line({.buckets = 4, .bucket_minutes = 7, .linear = true}), "T  7 14 21 21+");
    EXPECT_EQ(first_line({.buckets = 4, .bucket_minutes = 1.5}), "T 1.5  3  6 6+");
}

TEST(FittedName, LosesItsBeginning)
{
    EXPECT_EQ(fitted_name("a.example", 9), "a.example");
    EXPECT_EQ(fitted_name("and.even.longer.example", 18), "+en.longer.example");
    EXPECT_EQ(fitted_name(".and.even.longer.example", 18), ".+n.longer.example");
}

}  // namespace
}  // namespace posthaste::command::qshape
