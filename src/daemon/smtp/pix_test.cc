#include "daemon/smtp/pix.h"

#include <gtest/gtest.h>

namespace posthaste::smtp_client {
namespace {

TEST(Pix, GreetingOfAsterisksIsKnown)
{
    for (std::string_view greeting : {"220 *****************", "220 *****2*****0*0* ***", "220 ***** ***2******0*"})
        EXPECT_TRUE(is_pix_greeting(greeting)) << greeting;
    for (std::string_view greeting :
         {"220 mail.example.com ESMTP ***", "220 ", "220 2002", "554 ******", "220 ***** ESMTP", "220-**** 220 ****"})
        EXPECT_FALSE(is_pix_greeting(greeting)) << greeting;
}

TEST(Pix, WorkaroundsAreWordsInAnyCase)
{
    EXPECT_EQ(parse_pix_workarounds("Disable_ESMTP, delay_dotcrlf", "p"),
              (PixWorkarounds{.disable_esmtp = true, .delay_dotcrlf = true}));
    EXPECT_EQ(parse_pix_workarounds("", "p"), PixWorkarounds{});
    EXPECT_EQ(parse_pix_workarounds("unknown delay_dotcrlf", "p"), (PixWorkarounds{.delay_dotcrlf = true}));
}

}  // namespace
}  // namespace posthaste::smtp_client
