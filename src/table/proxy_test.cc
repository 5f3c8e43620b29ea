// proxy: tables, asked over a socket where a proxymap answers as the test wants.
#include "net/tasks.h"
#include "table/maps.h"
#include "table/proxymap_client.h"
#include "table/registry.h"

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace posthaste::table {
namespace {

net::Task<Answer> wait_for(Lookup lookup) { co_return co_await std::move(lookup); }

// A proxymap that knows "known", refuses the table hash:/denied, and hangs up behind every `answers` replies.
class Proxymap {
public:
    explicit Proxymap(int answers) : answers_(answers), listener_(*net::listen_on(*net::Endpoint::unix_path(path())))
    {
        tasks_.start(accept());
    }
    ~Proxymap() { ::unlink(path().c_str()); }

    static std::string path() { return fmt::format("/tmp/posthaste-proxymap-{}", ::getpid()); }
    std::vector<proxymap::Request> requests;

private:
    static net::Deadline soon() { return net::Deadline::after(std::chrono::seconds(30)); }

    net::Task<void> accept()
    {
        while (auto client = co_await listener_.accept(net::Deadline::never()))
            tasks_.start(serve(std::move(client->stream)));
    }
    net::Task<void> serve(net::Stream stream)
    {
        ipc::Connection connection(std::move(stream));
        if (!co_await connection.handshake(proxymap::proxymap_protocol, soon()))
            co_return;
        for (int i = 0; i < answers_; ++i) {
            auto request = co_await connection.receive<proxymap::Request>(net::Deadline::never());
            if (!request)
                co_return;
            requests.push_back(*request);
            proxymap::Reply reply{.status = proxymap::Status::NotFound, .owner = 42};
            if (request->table == "hash:/denied")
                reply.status = proxymap::Status::Denied;
            else if (request->key == "known")
                reply = {.status = proxymap::Status::Ok, .value = "value", .owner = 42};
            else if (request->key == "broken")
                reply = {.status = proxymap::Status::Retry, .reason = "disk on fire"};
            if (!co_await connection.send(reply, soon()))
                co_return;
        }
    }

    int answers_;
    net::Listener listener_;
    net::TaskGroup tasks_;
};

std::unique_ptr<Table> proxied(const std::string& name)
{
    OpenOptions options;
    options.proxymap_socket = Proxymap::path();
    return std::move(open(name, options).value());
}

std::string said(Table& table, std::string_view key)
{
    Answer answer = net::run_until_done(wait_for(table.lookup(key)));
    if (!answer) {
        EXPECT_EQ(answer.error().kind(), ErrorKind::Temporary);
        return "error: " + answer.error().text();
    }
    return answer->value_or("(not found)");
}

TEST(Proxy, AnswersComeFromProxymapWithTheOwnerOfTheTable)
{
    Proxymap proxymap(100);
    auto table = proxied("proxy:hash:/etc/aliases");
    EXPECT_EQ(table->owner(), std::nullopt);
    EXPECT_EQ(said(*table, "known"), "value");
    EXPECT_EQ(table->owner(), std::optional<uid_t>(42));
    EXPECT_EQ(said(*table, "Unknown"), "(not found)");
    EXPECT_EQ(said(*table, "broken"), "error: table proxy:hash:/etc/aliases: query error: disk on fire");
    ASSERT_EQ(proxymap.requests.size(), 3U);
    EXPECT_EQ(proxymap.requests[1].table, "hash:/etc/aliases");
    EXPECT_EQ(proxymap.requests[1].key, "Unknown") << "keys are folded where the table is";
}

TEST(Proxy, AnUnapprovedTableIsATemporaryErrorThatSaysSo)
{
    Proxymap proxymap(100);
    EXPECT_EQ(said(*proxied("proxy:hash:/denied"), "known"),
              "error: proxymap service is not configured for table \"hash:/denied\" (main.cf: proxy_read_maps)");
}

TEST(Proxy, AProxymapThatWasReplacedIsAskedAgain)
{
    Proxymap proxymap(1);
    auto table = proxied("proxy:hash:/t");
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(said(*table, "known"), "value") << i;
}

TEST(Proxy, AServiceThatDoesNotExistIsNamedWithTheLineThatIsMissing)
{
    const std::string error = said(*proxied("proxy:hash:/t"), "known");
    EXPECT_NE(error.find("master.cf has no line"), std::string::npos) << error;
}

net::Task<void> ask_into(Table* table, std::string key, std::vector<std::string>* answers)
{
    Answer answer = co_await table->lookup(key);
    answers->push_back(answer ? answer->value_or("-") : answer.error().text());
}

TEST(Proxy, RequestsArePipelinedAndEachTableHasAConnection)
{
    Proxymap proxymap(100);
    auto first = proxied("proxy:hash:/a");
    auto second = proxied("proxy:hash:/b");
    EXPECT_EQ(ProxymapClient::at(Proxymap::path(), "fail:a"), ProxymapClient::at(Proxymap::path(), "fail:a"));
    EXPECT_NE(ProxymapClient::at(Proxymap::path(), "fail:a"), ProxymapClient::at(Proxymap::path(), "fail:b"));
    std::vector<std::string> answers;
    net::TaskGroup tasks;
    for (int i = 0; i < 10; ++i)
        tasks.start(ask_into(i % 2 == 0 ? first.get() : second.get(), i == 9 ? "other" : "known", &answers));
    EXPECT_TRUE(net::run_until_done(tasks.join(net::Deadline::after(std::chrono::seconds(30)))));
    EXPECT_EQ(std::ranges::count(answers, "value"), 9);
    EXPECT_EQ(std::ranges::count(answers, "-"), 1);
}

TEST(Proxy, TheWayOfMatchingIsToldFromTheName)
{
    for (const std::string& name : std::vector<std::string>{
             "inline:{a=1}", "static:a", "fail:x", "environ:x", "internal:x", "unix:passwd.byname",
             "cidr:{{1.2.3.4 x}}", "pcre:{{/a/ b}}", "regexp:{{/a/ b}}", "unionmap:{static:a,regexp:{{/a/ b}}}",
             "unionmap:{static:a,static:b}", "pipemap:{static:a,cidr:{{1.2.3.4 x}}}", "debug:static:a",
             "debug:pcre:{{/a/ b}}", "randmap:{a,b}", "tcp:127.0.0.1:1", "socketmap:inet:127.0.0.1:1:x"}) {
        auto itself = open(name);
        ASSERT_TRUE(itself) << name << ": " << itself.error().text();
        EXPECT_EQ(proxied("proxy:" + name)->flags().match, (*itself)->flags().match) << name;
        EXPECT_EQ(proxied("proxy:" + name)->flags().folds_case, (*itself)->flags().match == KeyMatch::Fixed) << name;
    }
    EXPECT_FALSE(open("proxy:hesh:/x", {.proxymap_socket = "/x"}));
}

}  // namespace
}  // namespace posthaste::table
