// A flush of sites from the request to what the queue manager is told. The queue is real, the queue manager is not.
#include "daemon/flush/site_flush.h"

#include "daemon/flush/deferred_fixture.h"
#include "daemon/qmgr/control_protocol.h"
#include "net/endpoint.h"
#include "net/stream.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace posthaste::flush {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

using Requests = std::vector<std::vector<std::string>>;

// Answers Retry, and hangs up in place of the first answers if it is told to.
class SiteFlushTest : public DeferredQueue {
protected:
    void SetUp() override
    {
        DeferredQueue::SetUp();
        tasks_.start(serve());
    }

    [[nodiscard]] std::string socket() const { return options_.directory + "/qmgr"; }

    Task<void> serve()
    {
        auto where = net::Endpoint::unix_path(socket());
        auto listening = net::listen_on(*where);
        MUST(listening);
        net::Listener listener(std::move(*listening));
        for (;;) {
            auto accepted = co_await listener.accept(net::Deadline::never());
            if (!accepted)
                co_return;
            ipc::Connection connection(std::move(accepted->stream));
            MUST(co_await connection.handshake(qmgr::control_protocol, net::Deadline::after(seconds(30))));
            co_await answer(connection);
        }
    }

    Task<void> answer(ipc::Connection& connection)
    {
        while (auto request = co_await connection.receive<qmgr::ControlRequest>(net::Deadline::never())) {
            if (hang_up_ > 0) {
                --hang_up_;
                co_return;
            }
            EXPECT_EQ(request->command, qmgr::Command::Retry);
            std::ranges::sort(request->queue_ids);
            requests_.push_back(std::move(request->queue_ids));
            asked_.set();
            MUST(co_await connection.send(qmgr::ControlReply{}, net::Deadline::after(seconds(30))));
        }
    }

    Task<void> first_request() { EXPECT_TRUE(co_await asked_.wait(net::Deadline::after(seconds(30)))); }

    int hang_up_ = 0;
    net::Event asked_;
    Requests requests_;
    net::TaskGroup tasks_;
};

TEST_F(SiteFlushTest, TheQueueManagerIsToldWhichMessagesToRetry)
{
    defer("ABCDEF0001", {{"x@relay.test"}});
    defer("ABCDEF0002", {{"x@other.test"}});
    defer("ABCDEF0003", {{"x@third.test"}});
    SiteFlush flush(options_, socket());
    EXPECT_TRUE(flush.want("relay.test", Subdomains::Without));
    EXPECT_TRUE(flush.want("other.test", Subdomains::Without));
    net::run_until_done(flush.finish());
    EXPECT_EQ(requests_, (Requests{{"ABCDEF0001", "ABCDEF0002"}}));
}

// A request without ids would change nothing: there is none.
TEST_F(SiteFlushTest, NothingIsAskedForWhenNothingWaits)
{
    defer("ABCDEF0001", {{"x@other.test"}});
    SiteFlush flush(options_, socket());
    EXPECT_TRUE(flush.want("relay.test", Subdomains::With));
    net::run_until_done(flush.finish());
    EXPECT_EQ(requests_, Requests{});
}

TEST_F(SiteFlushTest, SitesThatAreAskedForDuringAPassShareTheNextOne)
{
    defer("ABCDEF0001", {{"x@relay.test"}});
    defer("ABCDEF0002", {{"x@other.test"}});
    defer("ABCDEF0003", {{"x@third.test"}});
    SiteFlush flush(options_, socket());
    EXPECT_TRUE(flush.want("relay.test", Subdomains::Without));
    net::run_until_done(first_request());
    EXPECT_TRUE(flush.want("other.test", Subdomains::Without));
    EXPECT_TRUE(flush.want("third.test", Subdomains::Without));
    net::run_until_done(flush.finish());
    EXPECT_EQ(requests_, (Requests{{"ABCDEF0001"}, {"ABCDEF0002", "ABCDEF0003"}}));
}

TEST_F(SiteFlushTest, AQueueManagerThatIsRestartedIsAskedAgain)
{
    hang_up_ = 1;
    defer("ABCDEF0001", {{"x@relay.test"}});
    SiteFlush flush(options_, socket());
    EXPECT_TRUE(flush.want("relay.test", Subdomains::Without));
    net::run_until_done(flush.finish());
    EXPECT_EQ(requests_, (Requests{{"ABCDEF0001"}}));
}

TEST_F(SiteFlushTest, SitesThatWaitAreBounded)
{
    SiteFlush flush(options_, socket());
    for (int i = 0; i < 10'000; ++i)
        ASSERT_TRUE(flush.want("s" + std::to_string(i) + ".test", Subdomains::Without));
    EXPECT_FALSE(flush.want("one-more.test", Subdomains::Without));
    EXPECT_TRUE(flush.want("s17.test", Subdomains::Without));
}

TEST(Pause, IsFourTimesAsLongAsThePassAndBounded)
{
    EXPECT_EQ(pause_after(seconds(0)), seconds(1));
    EXPECT_EQ(pause_after(seconds(10)), seconds(40));
    EXPECT_EQ(pause_after(minutes(10)), minutes(5));
}

}  // namespace
}  // namespace posthaste::flush
