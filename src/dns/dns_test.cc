#include "dns/lookups.h"
#include "dns/record_text.h"
#include "dns/resolver.h"
#include "dns/wire.h"
#include "net/tasks.h"

#include <cstdlib>
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

TEST(RecordText, IsALineOfAZoneFile)
{
    EXPECT_EQ(record_text("mx.test", 60, Type::A, "\300\0\2\1"s), "mx.test. 60 IN A 192.0.2.1");
    EXPECT_EQ(record_text("mx.test.", 0, Type::Aaaa, "\40\1\15\270" + std::string(11, '\0') + "\1"),
              "mx.test. 0 IN AAAA 2001:db8::1");
    EXPECT_EQ(record_text("test", 60, Type::Mx, "\0\12\2mx\4test\0"s), "test. 60 IN MX 10 mx.test.");
    EXPECT_EQ(record_text("test", 60, Type::Mx, "\0\0\0"s), "test. 60 IN MX 0 .");
    EXPECT_EQ(record_text("_s._tcp.test", 60, Type::Srv, "\0\1\0\2\1\273\1h\4test\0"s),
              "_s._tcp.test. 60 IN SRV 1 2 443 h.test.");
    EXPECT_EQ(record_text("test", 60, Type::Txt, "\3v=s\2pf"), "test. 60 IN TXT v=spf");
    EXPECT_EQ(record_text(".", 60, Type::Ns, "\1a\0"s), ". 60 IN NS a.");
    EXPECT_EQ(record_text("_25._tcp.mx.test", 60, Type::Tlsa, "\3\1\1\253\315"s),
              "_25._tcp.mx.test. 60 IN TLSA 3 1 1 ABCD");
    EXPECT_EQ(record_text("mx.test", 60, Type::A, "\1\2"s), "mx.test. 60 IN A \\# 2 0102");
}

TEST(SearchNames, ShortNamesAreCompletedOnlyWhereTheyAreToldTo)
{
    using Names = std::vector<std::string>;
    const Names domains{"a.test", "b.test"};
    EXPECT_EQ(search_names("mx", {}, domains), (Names{"mx"}));
    EXPECT_EQ(search_names("mx", {.default_domain = true}, domains), (Names{"mx.a.test", "mx"}));
    EXPECT_EQ(search_names("mx.x", {.default_domain = true}, domains), (Names{"mx.x"}));
    EXPECT_EQ(search_names("mx", {.all_domains = true}, domains), (Names{"mx.a.test", "mx.b.test", "mx"}));
    EXPECT_EQ(search_names("mx.x", {.all_domains = true}, domains), (Names{"mx.x", "mx.x.a.test", "mx.x.b.test"}));
    EXPECT_EQ(search_names("mx.", {.all_domains = true}, domains), (Names{"mx."}));
    EXPECT_EQ(search_names("mx", {.default_domain = true}, {}), (Names{"mx"}));
}

TEST(SearchNames, DomainsAreThoseOfTheSystem)
{
    ASSERT_EQ(::setenv("LOCALDOMAIN", "a.test b.test", 1), 0);
    EXPECT_EQ(system_search_domains(), (std::vector<std::string>{"a.test", "b.test"}));
    ::unsetenv("LOCALDOMAIN");
}

TEST(Probe, IsATypeAndAName)
{
    EXPECT_EQ(parse_probe("ns:.")->name, ".");
    EXPECT_EQ(parse_probe("AAAA:example.com")->type, Type::Aaaa);
    EXPECT_TRUE(parse_probe("ns:.")->warns);
    EXPECT_FALSE(parse_probe("")->warns);
    for (std::string_view text : {"ns", "ns:", "soa:.", ":."})
        EXPECT_FALSE(parse_probe(text)) << text;
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
