// Replies of table servers, templates of keys, and a server that is not there.
#include "net/tasks.h"
#include "table/key_template.h"
#include "table/network_replies.h"
#include "table/server_client.h"
#include "table/source_settings.h"
#include "table/table.h"

#include <gtest/gtest.h>

namespace posthaste::table {
namespace {

net::Task<Answer> wait_for(Lookup lookup) { co_return co_await std::move(lookup); }

std::string said(const Answer& answer)
{
    return answer ? answer->value_or("(not found)") : "error: " + answer.error().text();
}

TEST(Socketmap, RepliesAreNetstrings)
{
    EXPECT_EQ(size_of_netstring("8:OK value,", 100).value(), std::optional<std::size_t>(11));
    EXPECT_EQ(size_of_netstring("8:OK val", 100).value(), std::nullopt);
    EXPECT_EQ(size_of_netstring("1", 100).value(), std::nullopt);
    EXPECT_FALSE(size_of_netstring("8:OK valueX", 100));
    EXPECT_FALSE(size_of_netstring("101:", 100));
    EXPECT_FALSE(size_of_netstring(":,", 100));
    EXPECT_FALSE(size_of_netstring("99999999999999999999:", 100));
    EXPECT_EQ(said(socketmap_answer("8:OK value,")), "value");
    EXPECT_EQ(said(socketmap_answer("9:NOTFOUND ,")), "(not found)");
    EXPECT_EQ(said(socketmap_answer("8:TEMP now,")), "error: socketmap server temporary error: now");
    EXPECT_EQ(said(socketmap_answer("5:HELLO,")), "error: socketmap server unknown error");
}

TEST(Tcp, RepliesAreLines)
{
    EXPECT_EQ(said(tcp_answer("200 a%20b%25c\n")), "a b%c");
    EXPECT_EQ(said(tcp_answer("500 no\n")), "(not found)");
    EXPECT_EQ(said(tcp_answer("400 later\n")), "error: later");
    EXPECT_EQ(said(tcp_answer("200 a%z\n")), "error: malformed reply: 200 a%z");
    EXPECT_EQ(said(tcp_answer("300 x\n")), "error: bad status code: 300 x");
    EXPECT_EQ(tcp_encode("a b%\n"), "a%20b%25%0A");
    EXPECT_EQ(tcp_decode("%4"), std::nullopt);
}

TEST(Memcache, RepliesHaveTheLengthOfTheirData)
{
    EXPECT_EQ(size_of_memcache_reply("VALUE k 0 2\r\nab\r\nEND\r\n", {}).value(), std::optional<std::size_t>(22));
    EXPECT_EQ(size_of_memcache_reply("VALUE k 0 2\r\nab\r\nEN", {}).value(), std::nullopt);
    EXPECT_FALSE(size_of_memcache_reply("VALUE k 0 3\r\nab\r\nEND\r\n+", {}));
    EXPECT_FALSE(size_of_memcache_reply("VALUE k 0 99999\r\n", {}));
    EXPECT_EQ(said(memcache_answer("VALUE k 0 2\r\nab\r\nEND\r\n")), "ab");
    EXPECT_EQ(said(memcache_answer("END\r\n")), "(not found)");
    EXPECT_EQ(said(memcache_answer("ERROR\r\n")), "error: unexpected memcache server reply: ERROR");
}

TEST(Redis, RepliesAreBulkStrings)
{
    EXPECT_EQ(size_of_redis_reply("$2\r\nab\r\n").value(), std::optional<std::size_t>(8));
    EXPECT_EQ(size_of_redis_reply("$2\r\nab").value(), std::nullopt);
    EXPECT_EQ(size_of_redis_reply("-ERR no\r\n").value(), std::optional<std::size_t>(9));
    EXPECT_FALSE(size_of_redis_reply("$x\r\n"));
    EXPECT_EQ(said(redis_answer("$2\r\nab\r\n")), "ab");
    EXPECT_EQ(said(redis_answer("$-1\r\n")), "(not found)");
    EXPECT_EQ(said(redis_answer("-ERR no\r\n")), "error: unexpected reply: -ERR no");
}

TEST(ServerTables, AnErrorAlwaysHasAReason)
{
    const auto reason = [](std::string text) { return std::string(reason_of(Error(ErrorKind::Timeout, text))); };
    EXPECT_EQ(reason("down"), "down");
    EXPECT_EQ(reason("connect to host: Connection refused"), "Connection refused");
    EXPECT_EQ(reason("SASL(-13): user not found: "), "user not found");
    EXPECT_EQ(reason("SASL(-1): generic failure: 32775"), "generic failure: 32775");
    EXPECT_EQ(reason("32: 775: "), "32: 775");
    EXPECT_EQ(reason(": 32775"), ": 32775");
    EXPECT_EQ(reason(": "), "timeout");
    EXPECT_EQ(reason(""), "timeout");
}

TEST(ServerTables, AServerThatIsDownIsATemporaryError)
{
    for (std::string_view name :
         {"socketmap:inet:127.0.0.1:1:m", "socketmap:unix:/nonexistent/socket:m", "tcp:127.0.0.1:1"}) {
        auto table = open(name, {.warn = [](std::string_view) {}});
        ASSERT_TRUE(table);
        Answer answer = net::run_until_done(wait_for((*table)->lookup("k")));
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind(), ErrorKind::Temporary);
    }
}

TEST(KeyTemplate, TakesAddressesApart)
{
    auto query = KeyTemplate::parse("%s %u %d %1 %2 %%", "query", "f");
    ASSERT_TRUE(query);
    EXPECT_EQ(query->expand("u@a.b", "u@a.b"), "u@a.b u a.b b a %");
    EXPECT_EQ(query->expand("u@b", "u@b"), std::nullopt);
    EXPECT_EQ(query->expand("u", "u"), std::nullopt);
    EXPECT_EQ(KeyTemplate::parse("%S %U", "result", "f")->expand("v", "u@d"), "u@d u");
    EXPECT_FALSE(KeyTemplate::parse("%z", "query", "f"));
    EXPECT_FALSE(KeyTemplate::parse("%", "query", "f"));
}

TEST(SearchDomains, LetOnlyTheirAddressesThrough)
{
    auto domains = SearchDomains::parse("example.com, inline:{other.test=x}", {});
    ASSERT_TRUE(domains);
    EXPECT_TRUE(*domains->has("u@Example.com"));
    EXPECT_TRUE(*domains->has("u@other.test"));
    EXPECT_FALSE(*domains->has("u@a.example.com"));
    EXPECT_FALSE(*domains->has("@example.com"));
    EXPECT_FALSE(*domains->has("example.com"));
    EXPECT_TRUE(*SearchDomains::parse("", {})->has("anything"));
}

TEST(SourceSettings, AreLinesOfNameAndValue)
{
    auto settings = SourceSettings::parse("a = b\n# c\nlong = x\n  y\nn = 7\n", "f");
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->text("a"), "b");
    EXPECT_EQ(settings->text("long"), "x  y");
    EXPECT_EQ(settings->number("n", 1, 0, 10).value(), 7);
    EXPECT_EQ(settings->number("other", 1, 0, 10).value(), 1);
    EXPECT_FALSE(settings->number("n", 1, 0, 5));
    EXPECT_FALSE(settings->number("a", 1, 0, 5));
    EXPECT_FALSE(settings->required("missing"));
    EXPECT_EQ(SourceSettings::parse("x\n", "f").error().text(), "f, line 1: missing '=' after attribute name: \"x\"");
}

}  // namespace
}  // namespace posthaste::table
