#include "dns/lookups.h"
#include "dns/resolver.h"
#include "dns/wire.h"
#include "net/tasks.h"

#include <gtest/gtest.h>

#include <map>

namespace posthaste::dns {
namespace {

using namespace std::string_literals;

TEST(Wire, ReadsNames)
{
    EXPECT_EQ(*parse_name("\2mx\7example\0"s), "mx.example");
    EXPECT_EQ(*parse_name("\0"s), ".");
}

TEST(Wire, RefusesWhatIsNoHostName)
{
    EXPECT_FALSE(parse_name(""));
    EXPECT_FALSE(parse_name("\2mx"));
    EXPECT_FALSE(parse_name("\2mx\0x"s));
    EXPECT_FALSE(parse_name("\3a\nb\0"s));
    EXPECT_FALSE(parse_name("\100"s + std::string(64, 'a') + "\0"s));
    EXPECT_FALSE(parse_name("\xc0\x0c"s));
}

TEST(Wire, ReadsMxAndSrv)
{
    EXPECT_EQ(*parse_mx("\0\12\2mx\4test\0"s), (MxRecord{10, "mx.test"}));
    EXPECT_EQ(*parse_mx("\0\0\0"s), (MxRecord{0, "."}));
    EXPECT_FALSE(parse_mx("\0\12"s));
    EXPECT_EQ(*parse_srv("\0\1\0\2\1\273\1h\4test\0"s), (SrvRecord{1, 2, 443, "h.test"}));
}

TEST(Wire, JoinsTextStrings)
{
    EXPECT_EQ(*parse_txt("\3v=s\2pf"), "v=spf");
    EXPECT_FALSE(parse_txt("\5abc"));
}

TEST(Servers, AddressesWithAndWithoutPort)
{
    EXPECT_EQ(*parse_servers("127.0.0.1, 127.0.0.1:5353 [::1]:54 ::1 192.0.2.1@55"),
              (std::vector<std::string>{"127.0.0.1@53", "127.0.0.1@5353", "::1@54", "::1@53", "192.0.2.1@55"}));
    EXPECT_FALSE(parse_servers("dns.example.com"));
    EXPECT_FALSE(parse_servers("127.0.0.1:0"));
}

TEST(Reverse, NamesOfAddresses)
{
    EXPECT_EQ(reverse_name(*net::Endpoint::ip("192.0.2.1", 0)), "1.2.0.192.in-addr.arpa");
    EXPECT_EQ(reverse_name(*net::Endpoint::ip("192.0.2.1", 0), "dnsbl.test"), "1.2.0.192.dnsbl.test");
    EXPECT_EQ(reverse_name(*net::Endpoint::ip("2001:db8::1", 0)),
              "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

TEST(Services, PriorityComesFirst)
{
    std::mt19937 randomness{1};
    for (int i = 0; i < 20; ++i) {
        auto ordered = in_order_of_use({{20, 100, 1, "c"}, {0, 0, 1, "a"}, {10, 0, 1, "b"}}, randomness);
        EXPECT_EQ(ordered[0].host + ordered[1].host + ordered[2].host, "abc");
    }
}

TEST(Services, EqualsAreFirstAsOftenAsTheirWeightsSay)
{
    std::mt19937 randomness{1};
    std::map<std::string, int> first;
    for (int i = 0; i < 4000; ++i)
        ++first[in_order_of_use({{1, 10, 1, "small"}, {1, 30, 1, "large"}, {1, 0, 1, "none"}}, randomness)[0].host];
    EXPECT_NEAR(first["large"], 3000, 200);
    EXPECT_NEAR(first["small"], 1000, 200);
    EXPECT_GT(first["none"], 0);  // RFC 2782: a very small chance
    EXPECT_LT(first["none"], 300);
}

TEST(Services, WithoutWeightsEverybodyComesFirstAtTimes)
{
    std::mt19937 randomness{1};
    std::map<std::string, int> first;
    for (int i = 0; i < 300; ++i)
        ++first[in_order_of_use({{1, 0, 1, "a"}, {1, 0, 1, "b"}, {1, 0, 1, "c"}}, randomness)[0].host];
    EXPECT_EQ(first.size(), 3U);
}

TEST(Protocols, AllMeansBoth)
{
    EXPECT_TRUE(parse_protocols("all").ipv6);
    EXPECT_FALSE(parse_protocols("ipv4").ipv6);
    EXPECT_TRUE(parse_protocols("ipv4, ipv6").ipv6);
}

TEST(Resolver, SilenceIsTemporary)
{
    // A socket that nobody reads: the query is never answered.
    UniqueFd silent = *net::bind_datagram(*net::Endpoint::ip("127.0.0.1", 0));
    auto port = net::Endpoint::of_socket(silent.get())->port();
    auto resolver = Resolver::open({.servers = {"127.0.0.1:" + std::to_string(port)}});
    ASSERT_TRUE(resolver) << resolver.error().text();
    auto deadline = net::Deadline::after(std::chrono::milliseconds(200));
    auto answer = net::run_until_done(mail_exchangers(**resolver, "example.test", deadline));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind(), ErrorKind::Timeout);
    EXPECT_EQ(answer.error().text(), "Name service error for name=example.test type=MX: Host not found, try again");
}

}  // namespace
}  // namespace posthaste::dns
