// Requests to servers on threads: several hosts, lost connections, a server that hangs.
#include "table/server_threads.h"

#include "table/lookup.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace posthaste::table {
namespace {

using namespace std::chrono_literals;

struct Fake final : ServerConnection {};

ServerHost host(std::string name, std::function<Result<std::unique_ptr<ServerConnection>>(Moment)> connect)
{
    return {.name = std::move(name), .connect = std::move(connect)};
}

Result<std::unique_ptr<ServerConnection>> accept(Moment /*deadline*/) { return std::make_unique<Fake>(); }

Result<std::unique_ptr<ServerConnection>> refuse(Moment /*deadline*/) { return fail(ErrorKind::Io, "refused"); }

Answer answer_ok(ServerConnection& /*connection*/, Moment /*deadline*/, std::vector<std::string>& /*warnings*/)
{
    return found("ok");
}

ServerReply ask(ServerThreads& threads, ServerWork work) { return net::run_until_done(threads.ask(std::move(work))); }

TEST(ServerThreads, TheNextHostIsAskedWhereOneIsDown)
{
    ServerThreads threads({.hosts = {host("down", refuse), host("up", accept)}});
    ServerReply reply = ask(threads, answer_ok);
    ASSERT_TRUE(reply.answer);
    EXPECT_EQ(**reply.answer, "ok");
    EXPECT_EQ(reply.warnings, std::vector<std::string>{"refused"});
}

TEST(ServerThreads, AHostThatFailedIsAskedAgainIfItIsTheOnlyOne)
{
    std::atomic<int> tries = 0;
    ServerThreads threads(
        {.hosts = {host("one", [&](Moment deadline) { return ++tries == 1 ? refuse(deadline) : accept(deadline); })}});
    EXPECT_FALSE(ask(threads, answer_ok).answer);
    EXPECT_TRUE(ask(threads, answer_ok).answer);
}

TEST(ServerThreads, AConnectionIsKeptAndReplacedOnceWhenItIsLost)
{
    std::atomic<int> connections = 0;
    std::atomic<int> requests = 0;
    ServerThreads threads({.hosts = {host("one", [&](Moment deadline) {
                               ++connections;
                               return accept(deadline);
                           })}});
    auto work = [&](ServerConnection&, Moment, std::vector<std::string>&) -> Answer {
        if (++requests == 3)
            return fail(ErrorKind::Closed, "lost");
        return found("ok");
    };
    EXPECT_TRUE(ask(threads, work).answer);
    EXPECT_TRUE(ask(threads, work).answer);
    EXPECT_EQ(connections, 1);
    ServerReply reply = ask(threads, work);
    EXPECT_TRUE(reply.answer);
    EXPECT_TRUE(reply.warnings.empty());
    EXPECT_EQ(connections, 2);
    EXPECT_EQ(requests, 4);
}

TEST(ServerThreads, AHostThatHangsLeavesTimeForTheNext)
{
    ServerThreads threads({.hosts = {host("hangs",
                                          [](Moment deadline) -> Result<std::unique_ptr<ServerConnection>> {
                                              std::this_thread::sleep_until(deadline);
                                              return fail(ErrorKind::Timeout, "time is up");
                                          }),
                                     host("up", accept)},
                           .time_limit = 400ms});
    EXPECT_TRUE(ask(threads, answer_ok).answer);
    // It is asked last now, and so not at all.
    EXPECT_TRUE(ask(threads, answer_ok).warnings.empty());
}

TEST(ServerThreads, ALibraryThatDoesNotReturnIsNotWaitedFor)
{
    auto release = std::make_shared<std::atomic<bool>>(false);
    const auto begin = std::chrono::steady_clock::now();
    {
        ServerThreads threads({.hosts = {host("hangs",
                                              [release](Moment deadline) {
                                                  while (!*release)
                                                      std::this_thread::sleep_for(1ms);
                                                  return refuse(deadline);
                                              })},
                               .time_limit = 100ms});
        ServerReply reply = ask(threads, answer_ok);
        ASSERT_FALSE(reply.answer);
        EXPECT_EQ(reply.answer.error().kind(), ErrorKind::Timeout);
    }
    EXPECT_FALSE(*release);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 60s);  // it would be for ever
    *release = true;
}

TEST(ServerThreads, RequestsThatWaitDoNotHoldEachOtherUp)
{
    ServerThreads threads({.hosts = {host("up", accept)}});
    std::atomic<int> together = 0;
    // Each waits for the other: one thread alone could not end this.
    auto work = [&](ServerConnection&, Moment deadline, std::vector<std::string>&) -> Answer {
        ++together;
        while (together < 2 && std::chrono::steady_clock::now() < deadline)
            std::this_thread::sleep_for(1ms);
        return together >= 2 ? found("ok") : not_found();
    };
    net::TaskGroup group;
    int found_count = 0;
    auto one = [](ServerThreads* asked, ServerWork what, int* count) -> net::Task<void> {
        ServerReply reply = co_await asked->ask(std::move(what));
        *count += reply.answer && *reply.answer ? 1 : 0;
    };
    group.start(one(&threads, work, &found_count));
    group.start(one(&threads, work, &found_count));
    auto joined = net::run_until_done(group.join(net::Deadline::after(30s)));
    EXPECT_TRUE(joined);
    EXPECT_EQ(found_count, 2);
}

TEST(ServerThreads, UnixSocketsComeFirstWhereThatIsWanted)
{
    for (int round = 0; round < 20; ++round) {
        ServerThreads threads({.hosts = {host("network", refuse), {.name = "unix", .is_unix = true, .connect = accept}},
                               .order = HostOrder::RandomUnixFirst});
        EXPECT_TRUE(ask(threads, answer_ok).warnings.empty());
    }
}

TEST(ServerThreads, ALimitIsFinal)
{
    std::atomic<int> requests = 0;
    ServerThreads threads({.hosts = {host("one", accept), host("two", accept)}});
    auto work = [&](ServerConnection&, Moment, std::vector<std::string>&) -> Answer {
        ++requests;
        return fail(ErrorKind::Limit, "too many");
    };
    EXPECT_FALSE(ask(threads, work).answer);
    EXPECT_EQ(requests, 1);
}

}  // namespace
}  // namespace posthaste::table
