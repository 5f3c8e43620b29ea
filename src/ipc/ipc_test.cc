#include "ipc/connection.h"

#include <csignal>
#include <gtest/gtest.h>
#include <optional>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace posthaste::ipc {
namespace {

enum class Colour { Red = 1, Blue = 2 };

struct Item {
    std::string name;
    std::int64_t weight = 0;
    static constexpr auto fields = ipc::fields(field("name", &Item::name), field("weight", &Item::weight));
    bool operator==(const Item&) const = default;
};

struct Order {
    std::string buyer;
    bool paid = false;
    Colour colour = Colour::Red;
    std::vector<Item> items;
    std::vector<std::string> notes;
    std::uint32_t count = 7;
    static constexpr auto fields =
        ipc::fields(field("buyer", &Order::buyer), field("paid", &Order::paid), field("colour", &Order::colour),
                    field("items", &Order::items), field("notes", &Order::notes), field("count", &Order::count));
    bool operator==(const Order&) const = default;
};

TEST(Message, SurvivesTheWire)
{
    Order order{"eve", true, Colour::Blue, {{"nut", 3}, {"", -1}}, {"a", ""}, 9};
    auto back = decode<Order>(encode(order));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, order);
}

TEST(Message, SkipsUnknownNamesAndKeepsDefaults)
{
    std::string bytes;
    AttributeWriter writer(bytes);
    writer.put("invented", "x");
    writer.put("buyer", "bob");
    writer.end();
    auto order = decode<Order>(bytes);
    ASSERT_TRUE(order);
    EXPECT_EQ(order->buyer, "bob");
    EXPECT_EQ(order->count, 7U);
}

TEST(Message, RefusesTruncatedLists)
{
    std::string bytes = encode(Order{"eve", true, Colour::Blue, {{"nut", 3}}, {"a"}, 9});
    for (std::size_t length = 0; length < bytes.size(); ++length)
        EXPECT_FALSE(decode<Order>(std::string_view(bytes).substr(0, length))) << length;
}

constexpr Protocol test_protocol{"test", 1};

// Where a test's service listens; its tasks serve.
struct TestService {
    ~TestService() { ::unlink(path.c_str()); }
    std::string path = "/tmp/posthaste_ipc_test." + std::to_string(::getpid());
    net::Listener listener{*net::listen_on(*net::Endpoint::unix_path(path))};
    net::TaskGroup tasks;
};

Task<Result<void>> serve(net::Listener* listener, int requests)
{
    auto soon = net::Deadline::after(std::chrono::seconds(30));
    CO_TRY(net::Listener::Accepted client, co_await listener->accept(soon));
    Connection connection(std::move(client.stream));
    CO_TRY(co_await connection.handshake(test_protocol, soon));
    for (int i = 0; i < requests; ++i) {
        CO_TRY(Order order, co_await connection.receive<Order>(soon));
        CO_TRY(co_await connection.send(Item{order.buyer, i}, soon));
    }
    co_return Result<void>{};
}

Task<void> must_serve(net::Listener* listener, int requests) { MUST(co_await serve(listener, requests)); }

// What a process does that leaves: it answers what it has read, and its successor takes the rest.
Task<Result<void>> serve_and_leave(net::Listener* listener)
{
    auto soon = net::Deadline::after(std::chrono::seconds(30));
    {
        CO_TRY(net::Listener::Accepted client, co_await listener->accept(soon));
        Connection connection(std::move(client.stream));
        CO_TRY(co_await connection.handshake(test_protocol, soon));
        CO_TRY(Order order, co_await connection.receive<Order>(soon));
        ::shutdown(connection.stream().fd(), SHUT_RD);
        co_await net::sleep_for(std::chrono::milliseconds(50));
        CO_TRY(co_await connection.send(Item{order.buyer, 1}, soon));
    }
    co_return co_await serve(listener, 1);
}

Task<void> must_serve_and_leave(net::Listener* listener) { MUST(co_await serve_and_leave(listener)); }

Task<void> call_after(Client* client, std::chrono::milliseconds pause, std::string who, std::vector<Item>* answers)
{
    co_await net::sleep_for(pause);
    auto item = co_await client->call<Item>(Order{std::move(who)}, net::Deadline::after(std::chrono::seconds(30)));
    MUST(item);
    answers->push_back(std::move(*item));
}

Task<void> join(net::TaskGroup* group) { MUST(co_await group->join(net::Deadline::after(std::chrono::seconds(60)))); }

Task<Result<std::string>> two_calls(Client* client)
{
    auto soon = net::Deadline::after(std::chrono::seconds(30));
    CO_TRY(Item first, co_await client->call<Item>(Order{"a"}, soon));
    CO_TRY(Item second, co_await client->call<Item>(Order{"b"}, soon));
    co_return first.name + std::to_string(first.weight) + second.name + std::to_string(second.weight);
}

TEST(Client, CallsInOrderOverOneConnection)
{
    TestService service;
    service.tasks.start(must_serve(&service.listener, 2));
    Client client(service.path, test_protocol);
    auto answer = net::run_until_done(two_calls(&client));
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(*answer, "a0b1");
}

Task<Result<std::string>> call_and_let_go(std::unique_ptr<Client> client)
{
    CO_TRY(Item item, co_await client->call<Item>(Order{"a"}, net::Deadline::after(std::chrono::seconds(30))));
    client.reset();
    co_await net::sleep_for(std::chrono::milliseconds(1));  // a turn of the loop
    co_return item.name;
}

TEST(Client, MayBeDestroyedByWhoItAnswers)
{
    TestService service;
    service.tasks.start(must_serve(&service.listener, 1));
    auto answer = net::run_until_done(call_and_let_go(std::make_unique<Client>(service.path, test_protocol)));
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(*answer, "a");
}

// What each side says of the other after the handshake: the version that it takes the peer's to be, or the error.
using Seen = Result<unsigned>;

Task<Seen> shake(Connection* connection, Protocol protocol)
{
    auto soon = net::Deadline::after(std::chrono::seconds(30));
    auto met = co_await connection->handshake(protocol, soon);
    if (!met)
        connection->stream().close();  // as every service and client does
    CO_TRY(std::move(met));
    co_return connection->peer_version();
}

Task<void> shake_into(Connection* connection, Protocol protocol, std::optional<Seen>* seen)
{
    *seen = co_await shake(connection, protocol);
}

struct Meeting {
    Seen left = 0U;
    Seen right = 0U;
};

// Two processes meet that speak these protocols.
Meeting meeting_of(Protocol left, Protocol right)
{
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    Connection left_end{net::Stream(UniqueFd(ends[0]))};
    Connection right_end{net::Stream(UniqueFd(ends[1]))};
    std::optional<Seen> right_seen;
    net::TaskGroup tasks;
    tasks.start(shake_into(&right_end, right, &right_seen));
    Meeting meeting;
    meeting.left = net::run_until_done(shake(&left_end, left));
    EXPECT_TRUE(net::run_until_done(tasks.join(net::Deadline::after(std::chrono::seconds(30)))));
    meeting.right = std::move(*right_seen);
    return meeting;
}

TEST(Handshake, ProgramsOfNeighbouringVersionsUnderstandEachOther)
{
    Meeting meeting = meeting_of({"delivery", 2}, {"delivery", 1});
    ASSERT_TRUE(meeting.left && meeting.right);
    EXPECT_EQ(*meeting.left, 1U);
    EXPECT_EQ(*meeting.right, 2U);
}

TEST(Handshake, TheNewerOneRefusesWhoIsTwoVersionsBehind)
{
    Meeting meeting = meeting_of({"delivery", 3}, {"delivery", 1});
    ASSERT_FALSE(meeting.left);
    EXPECT_EQ(meeting.left.error().kind(), ErrorKind::Invalid);
    EXPECT_EQ(meeting.left.error().text(),
              R"(peer speaks protocol "delivery" version 1, expected "delivery" version 3)");
    EXPECT_TRUE(meeting.right) << "it cannot know; its connection ends";
}

TEST(Handshake, AnotherProtocolIsRefusedByBoth)
{
    Meeting meeting = meeting_of({"delivery", 1}, {"bounce", 1});
    ASSERT_FALSE(meeting.left || meeting.right);
    EXPECT_EQ(meeting.right.error().text(),
              R"(peer speaks protocol "delivery" version 1, expected "bounce" version 1)");
}

TEST(Handshake, VersionZeroIsNone) { EXPECT_FALSE(meeting_of({"delivery", 1}, {"delivery", 0}).left); }

Task<Result<void>> refuse(net::Listener* listener)
{
    auto soon = net::Deadline::after(std::chrono::seconds(30));
    CO_TRY(net::Listener::Accepted client, co_await listener->accept(soon));
    Connection connection(std::move(client.stream));
    CO_TRY(co_await connection.handshake({"test", 3}, soon));
    co_return Result<void>{};
}

Task<void> must_refuse_twice(net::Listener* listener)
{
    EXPECT_FALSE(co_await refuse(listener));
    EXPECT_FALSE(co_await refuse(listener));
}

TEST(Client, AServiceThatIsTooNewIsATemporaryError)
{
    TestService service;
    service.tasks.start(must_refuse_twice(&service.listener));
    Client client(service.path, test_protocol);
    auto answer = net::run_until_done(two_calls(&client));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind(), ErrorKind::Temporary);
}

TEST(Client, WhatAServiceHasReadIsAnsweredWhenItLeavesAndTheRestBySuccessor)
{
    TestService service;
    service.tasks.start(must_serve_and_leave(&service.listener));
    Client client(service.path, test_protocol);
    std::vector<Item> answers;
    net::TaskGroup callers;
    callers.start(call_after(&client, std::chrono::milliseconds(0), "a", &answers));
    callers.start(call_after(&client, std::chrono::milliseconds(25), "b", &answers));
    net::run_until_done(join(&callers));
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].name + std::to_string(answers[0].weight), "a1");
    EXPECT_EQ(answers[1].name + std::to_string(answers[1].weight), "b0");
}

Task<void> hang_up_twice(net::Listener* listener)
{
    co_await must_serve(listener, 0);
    co_await must_serve(listener, 0);
}

// It said hello, and was gone before the first call could be sent.
TEST(Client, AServiceThatHangsUpAtOnceIsATemporaryError)
{
    TestService service;
    service.tasks.start(hang_up_twice(&service.listener));
    Client client(service.path, test_protocol);
    auto begin = net::Clock::now();
    auto answer = net::run_until_done(two_calls(&client));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind(), ErrorKind::Temporary);
    EXPECT_LT(net::Clock::now() - begin, std::chrono::seconds(25)) << "it waited for an answer";
}

// Somebody else's socket in the place of a service. Without root there is nobody to keep apart.
TEST(Client, RootDoesNotTalkToWhoIsNotRoot)
{
    if (::geteuid() != 0)
        return;
    std::string path = "/tmp/posthaste_ipc_nobody." + std::to_string(::getpid());
    const pid_t nobody = ::fork();
    if (nobody == 0) {
        if (::setuid(65534) != 0)
            ::_exit(1);
        auto listener = net::listen_on(*net::Endpoint::unix_path(path));
        ::pause();
    }
    while (::access(path.c_str(), F_OK) != 0)
        ::usleep(1000);
    ::usleep(100'000);  // from bind(2) to listen(2)
    Client client(path, test_protocol);
    auto answer = net::run_until_done(two_calls(&client));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().text(), path + ": who listens there is not the master of the mail system");
    ::kill(nobody, SIGKILL);
    ::waitpid(nobody, nullptr, 0);
    ::unlink(path.c_str());
}

TEST(Client, ReportsAMissingServiceAsTemporary)
{
    Client client("/nonexistent/socket", test_protocol);
    auto answer = net::run_until_done(two_calls(&client));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind(), ErrorKind::Temporary);
}

}  // namespace
}  // namespace posthaste::ipc
