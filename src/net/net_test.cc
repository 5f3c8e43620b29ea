#include "net/endpoint.h"
#include "net/stream.h"
#include "net/tasks.h"

#include <gtest/gtest.h>

namespace posthaste::net {
namespace {

using std::chrono::milliseconds;

Task<Result<void>> echo_once(Listener* listener)
{
    CO_TRY(Listener::Accepted client, co_await listener->accept(Deadline::after(milliseconds(2000))));
    CO_TRY(co_await client.stream.fill(Deadline::after(milliseconds(2000))));
    std::string text(client.stream.buffered());
    co_return co_await client.stream.write_all("echo ", text, Deadline::after(milliseconds(2000)));
}

Task<void> must_echo(Listener* listener) { MUST(co_await echo_once(listener)); }

Task<Result<std::string>> ask(Endpoint server)
{
    CO_TRY(Stream stream, co_await connect(server, Deadline::after(milliseconds(2000))));
    CO_TRY(co_await stream.write_all("hello", Deadline::after(milliseconds(2000))));
    std::string answer;
    char buffer[3];
    for (;;) {
        CO_TRY(std::size_t got, co_await stream.read_some(buffer, Deadline::after(milliseconds(2000))));
        if (got == 0)
            co_return answer;
        answer.append(buffer, got);
    }
}

TEST(Stream, EchoesOverTcp)
{
    auto fd = listen_on(*Endpoint::ip("127.0.0.1", 0));
    ASSERT_TRUE(fd);
    Endpoint where = *Endpoint::of_socket(fd->get());
    Listener listener(std::move(*fd));
    TaskGroup server;
    server.start(must_echo(&listener));
    Result<std::string> answer = run_until_done(ask(where));
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(*answer, "echo hello");
}

Task<Result<void>> wait_for_client(Listener* listener)
{
    auto client = co_await listener->accept(Deadline::after(milliseconds(10)));
    if (!client)
        co_return fail(std::move(client).error());
    co_return Result<void>{};
}

TEST(Stream, DeadlineEndsAWait)
{
    Listener listener(*listen_on(*Endpoint::ip("127.0.0.1", 0)));
    Result<void> result = run_until_done(wait_for_client(&listener));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind(), ErrorKind::Timeout);
}

TEST(Stream, ConnectionRefusedSaysSo)
{
    UniqueFd fd = *listen_on(*Endpoint::ip("127.0.0.1", 0));
    Endpoint where = *Endpoint::of_socket(fd.get());
    fd.reset();
    Result<std::string> answer = run_until_done(ask(where));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().text(), "connect to " + where.text() + ": Connection refused");
}

Task<void> record(Event* event, std::vector<int>* order, int number, int times)
{
    for (int i = 0; i < times; ++i) {
        static_cast<void>(co_await event->wait(Deadline::never()));
        order->push_back(number);
    }
}

TEST(Event, PulseWakesEachWaiterOnce)
{
    Event event;
    std::vector<int> order;
    TaskGroup group;
    group.start(record(&event, &order, 1, 2));
    group.start(record(&event, &order, 2, 1));
    event.pulse();
    EXPECT_EQ(order, (std::vector<int>{1, 2}));
    event.pulse();
    EXPECT_EQ(order, (std::vector<int>{1, 2, 1}));
    EXPECT_TRUE(group.empty());
}

Task<void> nap() { co_await sleep_for(std::chrono::hours(1)); }

TEST(TaskGroup, DestroysWhatStillRuns)
{
    TaskGroup group;
    group.start(nap());
    EXPECT_EQ(group.size(), 1U);
}

Task<void> own_a_group(bool* done)
{
    TaskGroup group;
    Event go;
    std::vector<int> order;
    group.start(record(&go, &order, 1, 1));
    go.pulse();
    group.start(record(&go, &order, 2, 1));
    Timer timer([&go] { go.pulse(); });
    timer.start(Clock::now());
    MUST(co_await group.join(Deadline::after(milliseconds(1000))));
    *done = order.size() == 2;
}

TEST(TaskGroup, MayGoAsSoonAsItsLastTaskHasFinished)
{
    bool done = false;
    run_until_done(own_a_group(&done));
    EXPECT_TRUE(done);
}

Task<int> compute()
{
    co_return co_await in_thread([] { return 42; });
}

TEST(ThreadPool, ReturnsTheValue) { EXPECT_EQ(run_until_done(compute()), 42); }

TEST(Endpoint, PrintsAsPostfixDoes)
{
    EXPECT_EQ(Endpoint::ip("[IPv6:2001:db8::1]", 25)->text(), "[2001:db8::1]:25");
    EXPECT_EQ(Endpoint::ip("::ffff:10.0.0.1", 25)->address(), "10.0.0.1");
    EXPECT_FALSE(Endpoint::ip("10.0.0", 25));
    EXPECT_FALSE(Endpoint::unix_path(std::string(108, 'x')));
}

}  // namespace
}  // namespace posthaste::net
