#include "daemon/smtp/targets.h"

#include <gtest/gtest.h>

namespace posthaste::smtp_client {
namespace {

Target target(std::string_view address, unsigned preference)
{
    return {.host = "h", .address = *net::Endpoint::ip(address, 25), .preference = preference};
}

std::vector<std::string> ordered(std::vector<Target> targets, const Settings& settings)
{
    std::vector<std::string> addresses;
    for (const Target& each : order_targets(std::move(targets), settings))
        addresses.push_back(each.address.address());
    return addresses;
}

using Addresses = std::vector<std::string>;

TEST(Targets, PreferenceComesFirst)
{
    Settings settings;
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(ordered({target("192.0.2.3", 30), target("192.0.2.1", 10), target("192.0.2.2", 20)}, settings),
                  (Addresses{"192.0.2.1", "192.0.2.2", "192.0.2.3"}));
}

TEST(Targets, EqualsAreShuffledUnlessToldOtherwise)
{
    Settings settings{.randomize_addresses = true};
    std::vector<Target> equals{target("192.0.2.1", 10), target("192.0.2.2", 10)};
    bool second_was_first = false;
    for (int i = 0; i < 100; ++i)
        second_was_first |= ordered(equals, settings).front() == "192.0.2.2";
    EXPECT_TRUE(second_was_first);
    settings.randomize_addresses = false;
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(ordered(equals, settings).front(), "192.0.2.1");
}

TEST(Targets, AddressPreferenceOrdersFamiliesWithinOnePreference)
{
    Settings settings;
    settings.preference = Preference::Ipv4;
    EXPECT_EQ(ordered({target("::1", 10), target("127.0.0.1", 10), target("::2", 5)}, settings),
              (Addresses{"::2", "127.0.0.1", "::1"}));
    settings.preference = Preference::Ipv6;
    EXPECT_EQ(ordered({target("127.0.0.1", 10), target("::1", 10)}, settings), (Addresses{"::1", "127.0.0.1"}));
}

TEST(Targets, LimitLeavesRoomForTheOtherFamily)
{
    Settings settings{.balance_protocols = true, .randomize_addresses = false, .address_limit = 2};
    std::vector<Target> targets{target("::1", 1), target("::2", 2), target("::3", 3), target("127.0.0.1", 4)};
    EXPECT_EQ(ordered(targets, settings), (Addresses{"::1", "127.0.0.1"}));
    settings.balance_protocols = false;
    EXPECT_EQ(ordered(targets, settings), (Addresses{"::1", "::2"}));
    settings.address_limit = 0;
    EXPECT_EQ(ordered(targets, settings).size(), 4U);
}

// The order of addresses with these parameters, for the SMTP or the LMTP client.
Addresses ordered_with(const std::string& parameters, std::vector<Target> targets)
{
    auto config = config::load_text("inet_protocols = all\n" + parameters, "main.cf", {});
    EXPECT_TRUE(config) << config.error().text();
    auto settings = read_settings(**config, parameters.starts_with("lmtp") ? Dialect::Lmtp : Dialect::Smtp);
    EXPECT_TRUE(settings) << settings.error().text();
    return ordered(std::move(targets), *settings);
}

TEST(Targets, AddressPreferenceIsAParameterOfEachClient)
{
    for (const char* parameters : {"smtp_address_preference = ipv6\n", "lmtp_address_preference = ipv6\n"})
        for (int i = 0; i < 20; ++i)
            EXPECT_EQ(ordered_with(parameters, {target("127.0.0.1", 10), target("::1", 10)}).front(), "::1");
}

TEST(Targets, RandomizeAddressesIsAParameterOfEachClient)
{
    for (const char* parameters : {"smtp_randomize_addresses = no\n", "lmtp_randomize_addresses = no\n"})
        for (int i = 0; i < 20; ++i)
            EXPECT_EQ(ordered_with(parameters, {target("192.0.2.1", 10), target("192.0.2.2", 10)}).front(),
                      "192.0.2.1");
}

TEST(Targets, AddressLimitAndItsBalanceAreParametersOfEachClient)
{
    const std::vector<Target> targets{target("::1", 1), target("::2", 2), target("::3", 3), target("127.0.0.1", 4)};
    for (const char* parameters : {"smtp_mx_address_limit = 2\n", "lmtp_mx_address_limit = 2\n"})
        EXPECT_EQ(ordered_with(parameters, targets), (Addresses{"::1", "127.0.0.1"}));
    for (const char* parameters : {"smtp_mx_address_limit = 2\nsmtp_balance_inet_protocols = no\n",
                                   "lmtp_mx_address_limit = 2\nlmtp_balance_inet_protocols = no\n"})
        EXPECT_EQ(ordered_with(parameters, targets), (Addresses{"::1", "::2"}));
}

TEST(Targets, NativeResolverThatKnowsNoHostDoesNotRemoveTheDoubtOfDns)
{
    const Error doubt{ErrorKind::Temporary, "try again"};
    const Error certain{ErrorKind::NotFound, "host not found"};
    EXPECT_EQ(native_after_dns(doubt, fail(certain)).error().text(), "try again");
    EXPECT_EQ(native_after_dns(certain, fail(doubt)).error().text(), "try again");
    EXPECT_EQ(native_after_dns(certain, fail(certain)).error().kind(), ErrorKind::NotFound);
    dns::HostAddresses known{.addresses = {*net::Endpoint::ip("192.0.2.1", 25)}, .canonical_name = "h"};
    EXPECT_EQ(native_after_dns(doubt, known)->addresses, known.addresses);
    EXPECT_EQ(native_after_dns(certain, known)->addresses, known.addresses);
}

TEST(Targets, NamesAreThoseOfTheLog)
{
    Target inet = target("192.0.2.1", 0);
    inet.host = "mx.test";
    EXPECT_EQ(inet.name(), "mx.test[192.0.2.1]");
    EXPECT_EQ(inet.relay(), "mx.test[192.0.2.1]:25");
    Target socket{.host = "mail.test", .address = *net::Endpoint::unix_path("private/store")};
    EXPECT_EQ(socket.relay(), "mail.test[private/store]");
}

}  // namespace
}  // namespace posthaste::smtp_client
