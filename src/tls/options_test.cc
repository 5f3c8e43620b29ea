// options_test.cc — see options.h.
#include "tls/options.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace posthaste::tls {
namespace {

TEST(TlsOptions, are_words_and_numbers)
{
    std::vector<std::string> unknown;
    EXPECT_EQ(parse_options("no_ticket, NO_COMPRESSION 0x4", unknown), SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | 0x4U);
    EXPECT_EQ(parse_workarounds("DONT_INSERT_EMPTY_FRAGMENTS TLS_D5_BUG", unknown), SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS);
    EXPECT_TRUE(unknown.empty());
}

TEST(TlsOptions, tell_the_words_that_do_not_exist)
{
    std::vector<std::string> unknown;
    EXPECT_EQ(parse_options("NOSUCH NO_TICKET 0x 12", unknown), SSL_OP_NO_TICKET);
    EXPECT_EQ(unknown, (std::vector<std::string>{"NOSUCH", "0x", "12"}));
}

}  // namespace
}  // namespace posthaste::tls
