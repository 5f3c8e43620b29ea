#include "smtp/client_connection.h"

#include "net/tasks.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace posthaste::smtp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The two ends of a connection: the client's as it is made from its options, the server's as a stream.
struct Ends {
    explicit Ends(ConnectionOptions options, int send_buffer = 0)
    {
        int fds[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
            panic("socketpair");
        if (send_buffer > 0)
            ::setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
        client = std::make_unique<ClientConnection>(net::Stream(UniqueFd(fds[0])), std::move(options));
        server = net::Stream(UniqueFd(fds[1]));
    }
    std::unique_ptr<ClientConnection> client;
    net::Stream server;
};

Task<void> say(net::Stream* server, std::string text, milliseconds pause)
{
    for (char c : text) {
        MUST(co_await server->write_all(std::string(1, c), net::Deadline::after(seconds(10))));
        if (pause > milliseconds(0))
            co_await net::sleep_for(pause);
    }
}

Result<PeerReply> reply_to(ConnectionOptions options, std::string text, milliseconds pause = milliseconds(0))
{
    Ends ends(std::move(options));
    net::TaskGroup group;
    group.start(say(&ends.server, std::move(text), pause));
    return net::run_until_done(ends.client->read_reply(seconds(1)));
}

TEST(ClientConnection, TimeLimitBoundsEachReadOrTheWholeReply)
{
    auto patient = reply_to({}, "250 ok\r\n", milliseconds(200));
    ASSERT_TRUE(patient) << patient.error().text();
    EXPECT_EQ(patient->code, 250);
    auto strict = reply_to({.per_request_deadline = true}, "250 ok\r\n", milliseconds(200));
    ASSERT_FALSE(strict);
    EXPECT_EQ(strict.error().kind(), ErrorKind::Timeout);
}

Task<void> take_slowly(net::Stream* server)
{
    while (co_await server->fill(net::Deadline::after(seconds(10)))) {
        server->consume(server->buffered().size());
        co_await net::sleep_for(milliseconds(100));
    }
}

Task<Result<void>> send_all(ClientConnection* client, std::string content)
{
    client->begin_content(seconds(1));
    co_return co_await client->send_content(content);
}

// 300 kB to a server that takes less than 20 kB in a tenth of a second.
Result<void> send_slowly(ConnectionOptions options)
{
    constexpr int small = 8192;
    Ends ends(std::move(options), small);
    net::TaskGroup group;
    group.start(take_slowly(&ends.server));
    return net::run_until_done(send_all(ends.client.get(), std::string(300'000, 'x')));
}

TEST(ClientConnection, ContentThatKeepsToTheDataRateEarnsTime)
{
    EXPECT_TRUE(send_slowly({}));
    EXPECT_TRUE(send_slowly({.per_request_deadline = true, .min_data_rate = 500}));
    auto slow = send_slowly({.per_request_deadline = true, .min_data_rate = 100'000'000});
    ASSERT_FALSE(slow);
    EXPECT_EQ(slow.error().kind(), ErrorKind::Timeout);
}

Task<Result<std::string>> change(std::string line)
{
    if (line == "garbage")
        co_return "250-filler";
    if (line == "fail")
        co_return fail(ErrorKind::Temporary, "no answer");
    co_return line;
}

TEST(ClientConnection, FilterChangesEachLineBeforeItIsLookedAt)
{
    const ConnectionOptions filtered{.reply_filter = change};
    auto reply = reply_to(filtered, "250-one\r\ngarbage\r\n250 two\r\n");
    ASSERT_TRUE(reply) << reply.error().text();
    EXPECT_EQ(reply->text, "250-one 250-filler 250 two");
    EXPECT_EQ(reply_to({}, "garbage\r\n").error().kind(), ErrorKind::Invalid);
    EXPECT_EQ(reply_to(filtered, "250-one\r\nfail\r\n250 two\r\n").error().kind(), ErrorKind::Temporary);
    EXPECT_EQ(reply_to(filtered, std::string(30'000, 'x')).error().kind(), ErrorKind::Limit);
}

Task<Result<std::string>> two_replies(ClientConnection* client)
{
    CO_TRY(PeerReply first, co_await client->read_reply(seconds(1)));
    CO_TRY(PeerReply second, co_await client->read_reply(seconds(1)));
    co_return first.text + "|" + second.text;
}

TEST(ClientConnection, FilterLeavesTheNextReplyWhereItIs)
{
    Ends ends({.reply_filter = change});
    net::TaskGroup group;
    group.start(say(&ends.server, "250 one\r\n250-two\r\n250 three\r\n", milliseconds(0)));
    EXPECT_EQ(*net::run_until_done(two_replies(ends.client.get())), "250 one|250-two 250 three");
}

}  // namespace
}  // namespace posthaste::smtp
