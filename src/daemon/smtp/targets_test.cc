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
    Settings settings;
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
    Settings settings;
    settings.randomize_addresses = false;
    settings.address_limit = 2;
    std::vector<Target> targets{target("::1", 1), target("::2", 2), target("::3", 3), target("127.0.0.1", 4)};
    EXPECT_EQ(ordered(targets, settings), (Addresses{"::1", "127.0.0.1"}));
    settings.balance_protocols = false;
    EXPECT_EQ(ordered(targets, settings), (Addresses{"::1", "::2"}));
    settings.address_limit = 0;
    EXPECT_EQ(ordered(targets, settings).size(), 4U);
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
