#include "daemon/smtp/nexthop.h"

#include <gtest/gtest.h>

namespace posthaste::smtp_client {
namespace {

using Kind = Nexthop::Kind;

Result<std::vector<Nexthop>> parse(std::string_view text, Lookup lookup = Lookup::MailExchangers)
{
    static const PortNames ports("lmtp=24, smtp=25, smtps=submissions=465, submission=587");
    return parse_nexthops(text, lookup, 25, ports);
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

TEST(Nexthop, Mistakes)
{
    for (std::string_view text :
         {"", " , ", "[a.test", "[a.test]x", "a.test:nosuchservice", "a.test:0", "a.test:99999", "[]", ":25", "unix:"})
        EXPECT_FALSE(parse(text)) << text;
}

}  // namespace
}  // namespace posthaste::smtp_client
