// Host, domain and string lists as postconf(5) describes them.
#include "match/list.h"

#include "base/fd.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace posthaste::match {
namespace {

using table::ParentDomains;

Options quiet(ParentDomains parents = ParentDomains::Dotted)
{
    return {.parents = parents, .tables = {.warn = [](std::string_view) {}}};
}

bool host(std::string_view list, std::string_view name, std::string_view address)
{
    auto parsed = List::parse(list, Kind::Host, quiet());
    EXPECT_TRUE(parsed) << list;
    auto answer = parsed->matches_host(name, address).take_ready();
    EXPECT_TRUE(answer) << answer.error().text();
    return *answer;
}

bool domain(std::string_view list, std::string_view name, ParentDomains parents)
{
    auto parsed = List::parse(list, Kind::Domain, quiet(parents));
    EXPECT_TRUE(parsed) << list;
    return parsed->matches_domain(name).take_ready().value();
}

TEST(List, AddressesAndNetworks)
{
    EXPECT_TRUE(host("127.0.0.0/8 [::1]/128", "localhost", "127.0.0.1"));
    EXPECT_TRUE(host("127.0.0.0/8, [::1]/128", "localhost", "::1"));
    EXPECT_TRUE(host("192.0.2.1", "unknown", "192.0.2.1"));
    EXPECT_FALSE(host("192.0.2.1", "unknown", "192.0.2.2"));
    EXPECT_TRUE(host("[2001:db8::]/32", "", "2001:db8::5"));
    EXPECT_FALSE(host("", "a", "1.2.3.4"));
}

TEST(List, TheFirstPatternThatMatchesDecides)
{
    EXPECT_FALSE(host("!10.1.0.0/16 10.0.0.0/8", "", "10.1.2.3"));
    EXPECT_TRUE(host("!10.1.0.0/16 10.0.0.0/8", "", "10.2.2.3"));
    EXPECT_TRUE(host("10.0.0.0/8 !10.1.0.0/16", "", "10.1.2.3"));
    EXPECT_FALSE(host("!static:all 10.0.0.0/8", "", "10.1.2.3"));
}

TEST(List, AFileThatIncludesItselfIsNamedWithTheWayThere)
{
    std::string first = fmt::format("{}match-list-first-{}", testing::TempDir(), ::getpid());
    std::string second = fmt::format("{}match-list-second-{}", testing::TempDir(), ::getpid());
    MUST(replace_file(first, "192.0.2.1\n" + second + "\n"));
    MUST(replace_file(second, first + "\n"));
    auto parsed = List::parse(first, Kind::Host, quiet());
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().text(),
              fmt::format("{}, line 2: {}, line 1: {}: the file includes itself", first, second, first));
    ::unlink(first.c_str());
    ::unlink(second.c_str());
}

TEST(List, FilesThatNameTheNextOneTwiceAreNotReadForEver)
{
    constexpr int files = 40;  // 2^40 ways through them
    auto path = [](int number) {
        return fmt::format("{}match-list-chain-{}-{}", testing::TempDir(), ::getpid(), number);
    };
    for (int i = 0; i < files; ++i)
        MUST(replace_file(path(i), fmt::format("{}\n{}\n", path(i + 1), path(i + 1))));
    MUST(replace_file(path(files), "192.0.2.1\n"));
    auto parsed = List::parse(path(0), Kind::Host, quiet());
    ASSERT_FALSE(parsed);
    EXPECT_NE(parsed.error().text().find("the list names more than 10000 files"), std::string::npos);
    for (int i = 0; i <= files; ++i)
        ::unlink(path(i).c_str());
}

TEST(List, NamesOfHostsAndTheirDomains)
{
    EXPECT_TRUE(host("mail.example.com", "MAIL.example.com", "1.2.3.4"));
    EXPECT_TRUE(host(".example.com", "mail.example.com", "1.2.3.4"));
    EXPECT_FALSE(host("example.com", "mail.example.com", "1.2.3.4"));
    EXPECT_TRUE(domain("example.com", "a.b.example.com", ParentDomains::Bare));
    EXPECT_FALSE(domain("example.com", "a.b.example.com", ParentDomains::Dotted));
    EXPECT_TRUE(domain(".example.com", "a.b.example.com", ParentDomains::Dotted));
    EXPECT_FALSE(domain(".example.com", "example.com", ParentDomains::Dotted));
    EXPECT_FALSE(domain("example.com", "badexample.com", ParentDomains::Bare));
}

TEST(List, Tables)
{
    EXPECT_TRUE(host("inline:{host.test=x} 10.0.0.0/8", "host.test", "1.2.3.4"));
    EXPECT_TRUE(host("inline:{.test=x}", "host.test", "1.2.3.4"));
    EXPECT_TRUE(host("cidr:{{1.2.3.0/24 x}}", "host.test", "1.2.3.4"));
    EXPECT_FALSE(host("regexp:{{/^test$/ x}}", "host.test", "1.2.3.4"));
    EXPECT_TRUE(host("regexp:{{/test$/ x}}", "host.test", "1.2.3.4"));
}

TEST(List, StringsAreComparedWhole)
{
    auto list = List::parse("example.com, localhost, inline:{.x=1,b.x=1}", Kind::String, quiet());
    ASSERT_TRUE(list);
    EXPECT_TRUE(list->matches_string("Example.COM").take_ready().value());
    EXPECT_TRUE(list->matches_string("b.x").take_ready().value());
    EXPECT_FALSE(list->matches_string("a.x").take_ready().value());
    EXPECT_FALSE(list->matches_string("a.example.com").take_ready().value());
}

TEST(List, PatternTablesSeeTheTextAsItIs)
{
    auto list = List::parse("regexp:{{/^[^A-Z]/i bogus}}", Kind::String, quiet());
    ASSERT_TRUE(list);
    EXPECT_FALSE(list->matches_string("GET").take_ready().value());
    EXPECT_TRUE(list->matches_string("get").take_ready().value());
}

TEST(List, WhatCannotBeToldIsAnErrorAndNotNo)
{
    for (std::string_view text : {"fail:x", "hash:/nowhere/at/all", "/nowhere/at/all", "10.0.0.1/8", "hesh:x"}) {
        auto list = List::parse(text, Kind::Host, quiet());
        ASSERT_TRUE(list);
        auto answer = list->matches_host("h", "192.0.2.1").take_ready();
        ASSERT_FALSE(answer) << text;
        EXPECT_EQ(answer.error().kind(), ErrorKind::Temporary);
    }
    // What comes before the doubtful pattern still counts.
    EXPECT_TRUE(host("192.0.2.1 fail:x", "h", "192.0.2.1"));
}

TEST(List, AFileTakesThePlaceOfItsName)
{
    std::string path = fmt::format("/tmp/posthaste-match-{}", getpid());
    MUST(replace_file(path, "# comment\n10.0.0.0/8\n  192.0.2.0/24\nhost.test\n"));
    EXPECT_TRUE(host(path, "x", "10.1.1.1"));
    EXPECT_TRUE(host(path, "x", "192.0.2.9"));
    EXPECT_TRUE(host(path, "host.test", "1.1.1.1"));
    EXPECT_FALSE(host("!" + path + " 0.0.0.0/0", "x", "10.1.1.1"));
    MUST(replace_file(path, path + "\n"));
    EXPECT_FALSE(List::parse(path, Kind::Host, quiet()));
    unlink(path.c_str());
}

TEST(List, ParentsFollowTheParameter)
{
    EXPECT_EQ(parents_for("mynetworks", "debug_peer_list,mynetworks"), ParentDomains::Bare);
    EXPECT_EQ(parents_for("relay_domains", "debug_peer_list,mynetworks"), ParentDomains::Dotted);
}

}  // namespace
}  // namespace posthaste::match
