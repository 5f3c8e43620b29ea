#include "daemon/smtpd/client_prefix.h"

#include <gtest/gtest.h>

namespace posthaste::smtpd {
namespace {

std::string counted(const std::string& main_cf, std::string_view address)
{
    auto config = config::load_text(main_cf, "main.cf", {});
    EXPECT_TRUE(config) << config.error().text();
    return counted_network(**config, address);
}

TEST(ClientPrefix, EachFamilyHasItsPrefixLength)
{
    EXPECT_EQ(counted("", "192.0.2.77"), "192.0.2.77");
    EXPECT_EQ(counted("smtpd_client_ipv4_prefix_length = 24\n", "192.0.2.77"), "192.0.2.0/24");
    EXPECT_EQ(counted("", "2001:db8::1"), "2001:db8::/84");
    EXPECT_EQ(counted("smtpd_client_ipv6_prefix_length = 64\n", "2001:db8::1"), "2001:db8::/64");
}

}  // namespace
}  // namespace posthaste::smtpd
