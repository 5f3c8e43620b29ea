#include "routing/nexthop.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <optional>

namespace posthaste::routing {
namespace {

using Kind = Nexthop::Kind;

const PortNames& ports()
{
    static const PortNames ports("lmtp=24, smtp=25, smtps=submissions=465, submission=587");
    return ports;
}

// Nothing: there is an entry that cannot be understood.
std::optional<std::vector<Nexthop>> parse(std::string_view text, Lookup lookup = Lookup::MailExchangers)
{
    std::vector<Nexthop> nexthops;
    for (auto& nexthop : parse_nexthops(text, lookup, 25, ports())) {
        if (!nexthop)
            return std::nullopt;
        nexthops.push_back(std::move(*nexthop));
    }
    return nexthops;
}

TEST(Nexthop, DomainsAndHosts)
{
    EXPECT_EQ(*parse("example.com"), (std::vector<Nexthop>{{Kind::Domain, "example.com", 25}}));
    EXPECT_EQ(*parse("example.com:587"), (std::vector<Nexthop>{{Kind::Domain, "example.com", 587}}));
    EXPECT_EQ(*parse("[mx.example.com]"), (std::vector<Nexthop>{{Kind::Host, "mx.example.com", 25}}));
    EXPECT_EQ(*parse("[192.0.2.1]:submission"), (std::vector<Nexthop>{{Kind::Host, "192.0.2.1", 587}}));
    EXPECT_EQ(*parse("[ipv6:2001:db8::1]:smtps"), (std::vector<Nexthop>{{Kind::Host, "2001:db8::1", 465}}));
    EXPECT_EQ(*parse("[::1]"), (std::vector<Nexthop>{{Kind::Host, "::1", 25}}));
}

TEST(Nexthop, Lists)
{
    EXPECT_EQ(
        *parse("a.test, [b.test]:26\tc.test"),
        (std::vector<Nexthop>{{Kind::Domain, "a.test", 25}, {Kind::Host, "b.test", 26}, {Kind::Domain, "c.test", 25}}));
}

TEST(Nexthop, ServiceIsTheNameOfThePortUnlessBracketsForbidToAskForIt)
{
    EXPECT_EQ(parse("a.test:submission")->front().service, "submission");
    EXPECT_EQ(parse("inet:a.test:submission", Lookup::HostsOnly)->front().service, "submission");
    EXPECT_EQ(parse("[a.test]:submission")->front().service, "");
    EXPECT_EQ(parse("a.test:587")->front().service, "");
}

TEST(Nexthop, SocketsAndInet)
{
    EXPECT_EQ(*parse("unix:private/dovecot-lmtp", Lookup::HostsOnly),
              (std::vector<Nexthop>{{Kind::Socket, "private/dovecot-lmtp", 0}}));
    EXPECT_EQ(*parse("inet:store.test:24", Lookup::HostsOnly), (std::vector<Nexthop>{{Kind::Host, "store.test", 24}}));
    EXPECT_EQ(*parse("store.test", Lookup::HostsOnly), (std::vector<Nexthop>{{Kind::Host, "store.test", 25}}));
}

TEST(Nexthop, EveryEntryOfAListHasItsOwnResult)
{
    auto nexthops = parse_nexthops("[a.test]:26 # b.test", Lookup::MailExchangers, 25, ports());
    ASSERT_EQ(nexthops.size(), 3);
    EXPECT_EQ(nexthops[0]->port, 26);
    EXPECT_EQ(nexthops[1].error().text(), "\"#\" has neither a host name nor an address");
    EXPECT_EQ(nexthops[2]->name, "b.test");
    EXPECT_TRUE(parse_nexthops(" , ", Lookup::MailExchangers, 25, ports()).empty());
}

TEST(Nexthop, GoodOnesHaveNoProblem)
{
    for (std::string_view good :
         {"", "a.test", "a.test.", "a_b.test", "[a.test]", "[192.0.2.1]:25", "192.0.2.1", "[ipv6:::1]:25", "a.test:587",
          "a.test:submission", "[a.test], [b.test]:25", "2001:db8::1", "[fa\u00df.test]", "xn--fa-hia.test", "host",
          "unix:/run/lmtp", "inet:a.test:24"})
        EXPECT_EQ(nexthop_problem(good, ports()), "") << good;
}

TEST(Nexthop, ProblemsNameTheEntry)
{
    const std::pair<std::string_view, std::string_view> bad[] = {
        {"[a.test", "has no closing bracket"},
        {"[a.test]x", "has something else than a port behind its bracket"},
        {"[]", "has no host between its brackets"},
        {":25", "has no host"},
        {"unix:", "has no path"},
        {"a.test:", "has no valid port behind its colon"},
        {"a.test:0", "has no valid port behind its colon"},
        {"a.test:99999", "has no valid port behind its colon"},
        {"[192.0.2.1]:smpt", "has no valid port behind its colon"},
        {"[192.0.2.1]:25:26", "has no valid port behind its colon"},
        {"http://a.test", "has no valid port behind its colon"},
        {"smtp:[a.test]", "has no valid port behind its colon"},
        {"smtp:[a.test]:25", "has neither a host name nor an address"},
        {"smtp:b.test]:25", "has neither a host name nor an address"},
        {"a.test:25:26", "has neither a host name nor an address"},
        {"192.0.2.1]:25", "has neither a host name nor an address"},
        {"[192.0.2.1.]", "has neither a host name nor an address"},
        {"[192.0.2]", "has neither a host name nor an address"},
        {"587", "has neither a host name nor an address"},
        {"@a.test", "has neither a host name nor an address"},
        {"u@a.test", "has neither a host name nor an address"},
        {"a..test", "has neither a host name nor an address"},
        {"-a.test", "has neither a host name nor an address"},
        {"*.a.test", "has neither a host name nor an address"},
    };
    for (const auto& [entry, why] : bad)
        EXPECT_EQ(nexthop_problem(entry, ports()), fmt::format("\"{}\" {}", entry, why));
    EXPECT_EQ(nexthop_problem("a.test 587", ports()), "\"587\" has neither a host name nor an address");
}

}  // namespace
}  // namespace posthaste::routing
