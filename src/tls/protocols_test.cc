// protocols_test.cc — lists as Postfix 3.7 was seen to read them.
#include "tls/protocols.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace posthaste::tls {
namespace {

Protocols parsed(std::string_view text)
{
    auto protocols = parse_protocols(text);
    EXPECT_TRUE(protocols) << text << ": " << (protocols ? "" : protocols.error().text());
    return protocols.value_or(Protocols{});
}

TEST(Protocols, bounds_may_be_names_and_numbers)
{
    EXPECT_EQ(parsed(">=TLSv1").lowest, TLS1_VERSION);
    EXPECT_EQ(parsed(">=tlsv1.2").lowest, TLS1_2_VERSION);
    EXPECT_EQ(parsed(">=0303").lowest, TLS1_2_VERSION);
    EXPECT_EQ(parsed(">=0x0304").lowest, TLS1_3_VERSION);
    const Protocols both = parsed(">=TLSv1.1:<=TLSv1.2");
    EXPECT_EQ(both.lowest, TLS1_1_VERSION);
    EXPECT_EQ(both.highest, TLS1_2_VERSION);
    EXPECT_EQ(both.disabled, 0U);
}

TEST(Protocols, words_exclude_or_are_the_only_ones)
{
    EXPECT_EQ(parsed("!SSLv2, !SSLv3, !TLSv1").disabled, SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1);
    EXPECT_EQ(parsed("TLSv1.1 TLSv1.3").disabled, SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_2);
}

TEST(Protocols, nothing_and_the_version_that_is_gone_mean_all)
{
    for (std::string_view text : {"", "SSLv2", "!SSLv2", ">=SSLv2"}) {
        EXPECT_EQ(parsed(text).disabled, 0U) << text;
        EXPECT_EQ(parsed(text).lowest, 0) << text;
    }
}

TEST(Protocols, what_is_unknown_or_leaves_nothing_is_an_error)
{
    for (std::string_view text : {"bogus", "!bogus", ">=bogus", "TLSv1.2, bogus", "0x0303", "0304", "!0304", "TLSv1_2",
                                  "TLSv1.4", ">=TLSv1.4", "<TLSv1.3", ">=", ">=TLSv1.3, <=TLSv1.1", "SSLv3",
                                  ">=TLSv1.3, !TLSv1.3", "!SSLv3,!TLSv1,!TLSv1.1,!TLSv1.2,!TLSv1.3"}) {
        auto protocols = parse_protocols(text);
        ASSERT_FALSE(protocols) << text;
        EXPECT_EQ(protocols.error().kind(), ErrorKind::Invalid) << text;
    }
}

}  // namespace
}  // namespace posthaste::tls
