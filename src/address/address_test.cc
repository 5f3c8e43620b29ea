// Addresses: paths, header lists, quoting, host names, networks.
#include "address/destinations.h"
#include "address/fold.h"
#include "address/header_list.h"
#include "address/hostname.h"
#include "address/idna.h"
#include "address/local_part.h"
#include "address/network.h"
#include "address/path.h"

#include <gtest/gtest.h>

namespace posthaste::address {
namespace {

std::string path(std::string_view text, PathSyntax syntax = PathSyntax::Lenient)
{
    auto parsed = parse_path(text, syntax);
    if (!parsed)
        return "error";
    return parsed->address + (parsed->rest.empty() ? "" : " | " + std::string(parsed->rest));
}

TEST(Path, PlainAddressAndParameters)
{
    EXPECT_EQ(path("<user@example.com>"), "user@example.com");
    EXPECT_EQ(path("<user@example.com> SIZE=10 BODY=8BITMIME"), "user@example.com | SIZE=10 BODY=8BITMIME");
    EXPECT_EQ(path("<>"), "");
    EXPECT_EQ(path("<postmaster>"), "postmaster");
    EXPECT_EQ(path("<user@[192.0.2.1]>"), "user@[192.0.2.1]");
    EXPECT_EQ(path("<user@[IPv6:2001:db8::1]>"), "user@[IPv6:2001:db8::1]");
}

TEST(Path, SourceRoutesAreDropped)
{
    EXPECT_EQ(path("<@a.example,@b.example:user@c.example>"), "user@c.example");
    EXPECT_EQ(path("<@a.example:user@c.example>", PathSyntax::Strict), "user@c.example");
}

TEST(Path, QuotedLocalPartsLoseTheirQuotes)
{
    EXPECT_EQ(path("<\"a b\"@example.com>"), "a b@example.com");
    EXPECT_EQ(path("<\"a\\\"b\"@example.com>"), "a\"b@example.com");
    EXPECT_EQ(path("<\"a@b\"@example.com>", PathSyntax::Strict), "a@b@example.com");
    EXPECT_EQ(path("<\"a>b\"@example.com> X"), "a>b@example.com | X");
    EXPECT_EQ(path("<\"a@b\">"), "error");
}

TEST(Path, LenientSyntaxIsRefusedWhenStrict)
{
    for (std::string_view text : {"user@example.com", " <user@example.com>", "<user @ example.com>",
                                  "<(comment) user@example.com>", "<Joe <user@example.com>>"}) {
        EXPECT_EQ(path(text), "user@example.com") << text;
        EXPECT_EQ(path(text, PathSyntax::Strict), "error") << text;
    }
    EXPECT_EQ(path("<a..b@example.com>"), "a..b@example.com");
    EXPECT_EQ(path("<a..b@example.com>", PathSyntax::Strict), "error");
    EXPECT_EQ(path("<a@b@example.com>"), "a@b@example.com");
    EXPECT_EQ(path("<a@b@example.com>", PathSyntax::Strict), "error");
}

TEST(Path, BrokenPathsAreRefused)
{
    for (std::string_view text :
         {"", "<", "<user", "<user@>", "<@example.com>", "<a b@c>", "<a@b>c", "<\"a@b>", "<a,b@c>", "<a@b\x01>",
          "<user@[1.2.3.4>", "<a;b@c>", "<a@b\\c>", "<[a@b]>", "<a@\"b\">"})
        EXPECT_EQ(path(text), "error") << text;
    EXPECT_EQ(parse_path("<" + std::string(3000, 'a') + ">").error().kind(), ErrorKind::Limit);
}

std::string list(std::string_view value)
{
    std::string result;
    for (const auto& item : parse_address_list(value).addresses)
        result +=
            (item.valid ? item.address : "!" + std::string(value.substr(item.begin, item.end - item.begin))) + ";";
    return result;
}

TEST(HeaderList, AddressesGroupsCommentsAndNames)
{
    EXPECT_EQ(list("a@b, c"), "a@b;c;");
    EXPECT_EQ(list("Joe Q. Public <john.q.public@example.com>, <boss@nil.test>"),
              "john.q.public@example.com;boss@nil.test;");
    EXPECT_EQ(list("\"Giant; \\\"Big\\\" Box\" <sysservices@example.net>"), "sysservices@example.net;");
    EXPECT_EQ(list("A Group:Ed Jones <joe@where.test>,one@y.test,John <jdoe@one.test>;, x@y"),
              "joe@where.test;one@y.test;jdoe@one.test;x@y;");
    EXPECT_EQ(list("Undisclosed recipients:;"), "");
    EXPECT_EQ(list("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>"), "pete@silly.test;");
    EXPECT_EQ(list("<@a,@b:user@c>, @a,@b:u2@c"), "user@c;u2@c;");
    EXPECT_EQ(list("a@b\r\n\t,c@d"), "a@b;c@d;");
    EXPECT_EQ(list("user@host (Full Name)"), "user@host;");
    EXPECT_EQ(list(",, a@b ,,"), "a@b;");
    EXPECT_EQ(list("\"a b\"@c"), "a b@c;");
    EXPECT_EQ(list("two words, x@y"), "two;words;x@y;");
    EXPECT_EQ(list("a@b c@d.e (x) f"), "a@b;c@d.e;f;");
    EXPECT_EQ(list("a@b, \"c\" d <e@f>"), "a@b;e@f;");
    EXPECT_EQ(list("\"open, x@y"), "!\"open, x@y;");
}

TEST(HeaderList, SpansCoverExactlyTheAddrSpec)
{
    std::string_view value = " Joe <joe@a> (c), mary (m)";
    AddressList parsed = parse_address_list(value);
    ASSERT_EQ(parsed.addresses.size(), 2U);
    EXPECT_EQ(value.substr(parsed.addresses[0].begin, parsed.addresses[0].end - parsed.addresses[0].begin), "joe@a");
    EXPECT_EQ(value.substr(parsed.addresses[1].begin, parsed.addresses[1].end - parsed.addresses[1].begin), "mary");
}

TEST(HeaderList, TheTokenLimitEndsTheList)
{
    std::string many;
    for (int i = 0; i < 100; ++i)
        many += "a@b,";
    EXPECT_TRUE(parse_address_list(many, 40).truncated);
    EXPECT_FALSE(parse_address_list(many).truncated);
}

std::string destinations(std::string_view text)
{
    constexpr std::string_view names = "AFCI!";
    std::string result;
    for (const auto& item : parse_destinations(text).list)
        result += std::string(1, names[static_cast<std::size_t>(item.kind)]) + "(" + item.text + ")";
    return result;
}

TEST(Destinations, AddressesFilesCommandsAndIncludes)
{
    EXPECT_EQ(destinations("a, b@c, \"d e\"@f"), "A(a)A(b@c)A(d e@f)");
    EXPECT_EQ(destinations("|/bin/cmd arg, \"|cmd a, b\", |\"exit 67\""), "C(/bin/cmd arg)C(cmd a, b)C(exit 67)");
    EXPECT_EQ(destinations("/var/mail/x, \"/a b/c\", /dev/null"), "F(/var/mail/x)F(/a b/c)F(/dev/null)");
    EXPECT_EQ(destinations(":include:/etc/list, \":include:/a b\", :Include:\"/c d\""), "I(/etc/list)I(/a b)I(/c d)");
    EXPECT_EQ(destinations("\\user, D <e@f> (c), <g@h>"), "A(user)A(e@f)A(g@h)");
    EXPECT_EQ(destinations("/x/@example.com"), "A(/x/@example.com)");
    EXPECT_EQ(destinations("|, :include:, a b@c\td, e \"f\" <g>, \"open"),
              "!(|)!(:include:)A(a)A(b@c)A(d)A(g)!(\"open)");
    EXPECT_EQ(destinations(" , ,"), "");
}

TEST(LocalPart, QuotingRoundTrips)
{
    EXPECT_EQ(quote("user@example.com"), "user@example.com");
    EXPECT_EQ(quote("a b@example.com"), "\"a b\"@example.com");
    EXPECT_EQ(quote("a@b@example.com"), "\"a@b\"@example.com");
    EXPECT_EQ(quote(".a@x"), "\".a\"@x");
    EXPECT_EQ(quote(""), "");
    EXPECT_EQ(quote("@x"), "\"\"@x");
    for (std::string_view internal : {"user@x", "a b@x", "a\"b\\c@x", "a@b@x", "\xc3\xa9@x"})
        EXPECT_EQ(unquote(quote(internal)), internal);
}

TEST(LocalPart, ExtensionsAreSplitAtTheFirstDelimiter)
{
    using Pair = std::pair<std::string_view, std::string_view>;
    EXPECT_EQ(split_extension("user+ext", "+"), Pair("user", "+ext"));
    EXPECT_EQ(split_extension("user-a+b", "+-"), Pair("user", "-a+b"));
    EXPECT_EQ(split_extension("user+", "+"), Pair("user", "+"));
    EXPECT_EQ(split_extension("+ext", "+"), Pair("+ext", ""));
    EXPECT_EQ(split_extension("user", "+"), Pair("user", ""));
    EXPECT_EQ(split_extension("user+ext", ""), Pair("user+ext", ""));
    EXPECT_EQ(split_extension("owner-list", "-"), Pair("owner-list", ""));
    EXPECT_EQ(split_extension("owner-list", "-", OwnerAndRequest::Ordinary), Pair("owner", "-list"));
    EXPECT_EQ(split_extension("list-request", "-", OwnerAndRequest::Ordinary), Pair("list", "-request"));
    EXPECT_EQ(split_extension("list-request", "-"), Pair("list-request", ""));
    EXPECT_EQ(split_extension("MAILER-DAEMON", "-"), Pair("MAILER-DAEMON", ""));
}

TEST(Hostname, WhatIsValid)
{
    for (std::string_view name : {"a", "a.b", "a.b.", "xn--abc.test", "_dmarc.a", "1a.test",
                                  "b\xc3\xbc"
                                  "cher.test"})
        EXPECT_TRUE(is_valid_hostname(name)) << name;
    for (std::string_view name : {"", ".", "a..b", "-a", "a-", "1.2.3.4", "a b", "a/b", ".a"})
        EXPECT_FALSE(is_valid_hostname(name)) << name;
    EXPECT_FALSE(is_valid_hostname(std::string(64, 'a')));
    EXPECT_TRUE(is_valid_address_literal("[192.0.2.1]"));
    EXPECT_TRUE(is_valid_address_literal("[ipv6:::1]"));
    EXPECT_FALSE(is_valid_address_literal("[::1]"));
    EXPECT_FALSE(is_valid_address_literal("[IPv6:1.2.3.4]"));
}

TEST(Network, ParsingAndContaining)
{
    auto contains = [](std::string_view network, std::string_view address) {
        return parse_network(network)->contains(*IpAddress::parse(address));
    };
    EXPECT_TRUE(contains("10.0.0.0/8", "10.9.8.7"));
    EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.0"));
    EXPECT_TRUE(contains("0.0.0.0/0", "1.2.3.4"));
    EXPECT_FALSE(contains("0.0.0.0/0", "::1"));
    EXPECT_TRUE(contains("[::1]/128", "::1"));
    EXPECT_TRUE(contains("[2001:db8::/32]", "2001:db8:ffff::1"));
    EXPECT_TRUE(contains("192.0.2.1", "192.0.2.1"));
    EXPECT_EQ(parse_network("10.0.0.1/8").error().text(),
              "non-null host address bits in \"10.0.0.1/8\", perhaps you should use \"10.0.0.0/8\" instead");
    EXPECT_EQ(parse_network("foo").error().text(), "bad address pattern: \"foo\"");
    EXPECT_EQ(parse_network("1.2.3.4/33").error().text(), "bad mask length in \"1.2.3.4/33\"");
    EXPECT_EQ(parse_network("foo/24").error().text(), "bad network value in \"foo/24\"");
    EXPECT_EQ(parse_network("foo/x").error().text(), "bad mask value in \"foo/x\"");
    EXPECT_EQ(parse_network("1.2.3.4/").error().text(), "bad mask value in \"1.2.3.4/\"");
    EXPECT_FALSE(parse_network("[1.2.3.4"));
}

TEST(Idna, DomainsInAscii)
{
    EXPECT_EQ(domain_to_ascii("Plain.Example"), "Plain.Example");
    EXPECT_EQ(domain_to_ascii("B\u00dcCHER.example"), "xn--bcher-kva.example");
    EXPECT_EQ(domain_to_ascii("fa\u00df.example"), "xn--fa-hia.example");  // not "fass": no transitional mapping
    set_idna_mapping(IdnaMapping::Transitional);
    EXPECT_EQ(domain_to_ascii("fa\u00df.example"), "fass.example");
    set_idna_mapping(IdnaMapping::Nontransitional);
    EXPECT_EQ(domain_to_ascii("\xff.example"), std::nullopt);
    EXPECT_EQ(domain_to_ascii("\u00fc..example"), std::nullopt);
    EXPECT_EQ(domain_to_ascii(std::string(2000, '\xc3')), std::nullopt);
}

TEST(Fold, AsciiAndUnicode)
{
    EXPECT_EQ(fold_case("ABC@X"), "abc@x");
    EXPECT_EQ(fold_case("\xc3\x89T\xc3\x89"), "\xc3\xa9t\xc3\xa9");
    EXPECT_EQ(fold_case("A\xff"), "a\xff");
    EXPECT_FALSE(needs_folding("abc"));
}

}  // namespace
}  // namespace posthaste::address
