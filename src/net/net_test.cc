#include "net/endpoint.h"
#include "net/frame_pool.h"
#include "net/stream.h"
#include "net/tasks.h"

#include <cstring>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <thread>

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
    for (;;) {
        auto filled = co_await stream.fill(Deadline::after(milliseconds(2000)));
        if (!filled && filled.error().kind() == ErrorKind::Closed)
            co_return std::string(stream.buffered());
        CO_TRY(filled);
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

std::pair<Stream, Stream> connected_pair()
{
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    return {Stream(UniqueFd(ends[0])), Stream(UniqueFd(ends[1]))};
}

Task<void> send_and_close(Stream stream, std::string_view bytes)
{
    MUST(co_await stream.write_all(bytes, Deadline::after(milliseconds(5000))));
}

// Takes all but the last `left` bytes of what is buffered, each time, so that the rest lies before what comes next.
Task<std::string> read_in_pieces(Stream stream, std::size_t left)
{
    std::string all;
    while (co_await stream.fill(Deadline::after(milliseconds(5000)))) {
        std::string_view ready = stream.buffered();
        std::string_view take = ready.substr(0, ready.size() - std::min(left, ready.size()));
        all += take;
        stream.consume(take.size());
    }
    co_return all + std::string(stream.buffered());
}

TEST(Stream, BuffersWhatComesInSmallAndLargePieces)
{
    std::string bytes;
    while (bytes.size() < 1'000'000)
        bytes += std::to_string(bytes.size()) + "\r\n";
    for (std::size_t length : {std::size_t{1}, std::size_t{5000}, bytes.size()}) {
        for (std::size_t left : {0, 1, 3000, 100000}) {
            auto [reader, writer] = connected_pair();
            TaskGroup sending;
            sending.start(send_and_close(std::move(writer), std::string_view(bytes).substr(0, length)));
            EXPECT_EQ(run_until_done(read_in_pieces(std::move(reader), left)), bytes.substr(0, length));
        }
    }
}

Task<bool> post_and_wait()
{
    auto posted = std::make_shared<Event>();
    Loop::current().post([posted] { Loop::current().post([posted] { posted->set(); }); });
    co_return (co_await posted->wait(Deadline::after(milliseconds(2000)))).has_value();
}

TEST(Loop, SeesWhatItsOwnThreadPosts) { EXPECT_TRUE(run_until_done(post_and_wait())); }

Task<bool> wait_for_thread()
{
    auto posted = std::make_shared<Event>();
    std::jthread thread([posted] {
        std::this_thread::sleep_for(milliseconds(20));  // by then the loop sleeps
        Loop::current().post([posted] { posted->set(); });
    });
    co_return (co_await posted->wait(Deadline::after(milliseconds(2000)))).has_value();
}

TEST(Loop, IsWokenByAnotherThread) { EXPECT_TRUE(run_until_done(wait_for_thread())); }

TEST(FramePool, GivesMemoryOfTheSizeThatIsAskedFor)
{
    for (int round = 0; round < 3; ++round) {
        std::vector<std::pair<void*, std::size_t>> frames;
        for (std::size_t size : {1, 128, 129, 4095, 4096, 4097, 100000}) {
            for (int i = 0; i < 100; ++i) {
                frames.emplace_back(FramePool::allocate(size), size);
                std::memset(frames.back().first, i, size);
            }
        }
        for (std::size_t i = 0; i < frames.size(); ++i) {
            auto [frame, size] = frames[i];
            const auto* bytes = static_cast<const unsigned char*>(frame);
            EXPECT_EQ(bytes[0], i % 100);
            EXPECT_EQ(bytes[size - 1], i % 100);
            FramePool::release(frame, size);
        }
    }
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
