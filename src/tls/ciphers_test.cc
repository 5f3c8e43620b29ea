// ciphers_test.cc — see ciphers.h; options_test.cc has the words of single bits.
#include "tls/ciphers.h"

#include <gtest/gtest.h>

namespace posthaste::tls {
namespace {

const CipherLists lists{.high = "HIGH", .medium = "HIGH:MEDIUM", .null = "eNULL"};

TEST(Ciphers, a_grade_is_its_list_without_what_is_excluded)
{
    EXPECT_EQ(*cipher_list("high", lists, ""), "HIGH");
    EXPECT_EQ(*cipher_list("Medium", lists, "aNULL, MD5:DES"), "HIGH:MEDIUM:!aNULL:!MD5:!DES");
    EXPECT_EQ(*cipher_list("null", lists, "aNULL"), "eNULL:!aNULL");
}

TEST(Ciphers, grades_of_the_past_are_medium)
{
    EXPECT_EQ(*cipher_list("low", lists, ""), "HIGH:MEDIUM");
    EXPECT_EQ(*cipher_list("export", lists, ""), "HIGH:MEDIUM");
}

TEST(Ciphers, another_word_is_an_error)
{
    for (std::string_view grade : {"", "bogus", "high "})
        EXPECT_FALSE(cipher_list(grade, lists, "")) << grade;
}

}  // namespace
}  // namespace posthaste::tls
