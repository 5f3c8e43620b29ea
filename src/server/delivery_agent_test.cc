#include "server/delivery_agent.h"

#include "net/endpoint.h"
#include "queue/writer.h"

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/socket.h>

namespace posthaste::server {
namespace {

using std::chrono::milliseconds;

net::Deadline soon() { return net::Deadline::after(std::chrono::seconds(10)); }

Outcomes three_outcomes(const Job& job)
{
    Outcomes outcomes;
    outcomes.push_back({.recipient = 0, .outcome = dsn::Outcome::delivered({2, 0, 0}, "stored", "store[1]")});
    outcomes.push_back({.recipient = 1, .outcome = dsn::Outcome::bounced({5, 1, 1}, "unknown")});
    outcomes.push_back(
        {.recipient = job.recipients().size() - 1, .outcome = dsn::Outcome::deferred({4, 2, 2}, "full")});
    return outcomes;
}

// A queue in a directory of its own, and bounce, defer and trace services that remember what they are told.
class DeliveryAgentTest : public testing::Test {
protected:
    void SetUp() override
    {
        std::string pattern = testing::TempDir() + "agent-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
        std::filesystem::create_directories(directory_ / "private");
        for (const char* name : {"journal", "incoming", "active", "deferred", "corrupt"})
            std::filesystem::create_directories(directory_ / name);
        options_.queue.directory = directory_;
        options_.queue.segment_size = 256 << 10;
        options_.queue.journal_message_limit = 32 << 10;
        options_.queue.reserve_segments = 0;
        options_.socket_directory = directory_ / "private";
        for (const char* name : {"bounce", "defer", "trace"})
            serve_reports(name);
        writer_ = std::move(*queue::Writer::open(options_.queue, ""));
    }

    void TearDown() override
    {
        tasks_.reset();
        writer_.reset();
        std::filesystem::remove_all(directory_);
    }

    void serve_reports(const std::string& name)
    {
        auto fd = net::listen_on(*net::Endpoint::unix_path((directory_ / "private" / name).string()));
        ASSERT_TRUE(fd) << fd.error().text();
        listeners_.push_back(std::make_unique<net::Listener>(std::move(*fd)));
        tasks_->start(accept_reports(listeners_.back().get(), name));
    }

    Task<void> accept_reports(net::Listener* listener, std::string name)
    {
        auto client = co_await listener->accept(net::Deadline::never());
        if (!client)
            co_return;
        ipc::Connection connection(std::move(client->stream));
        if (!co_await connection.handshake(bounce::bounce_protocol, soon()))
            co_return;
        while (auto request = co_await connection.receive<bounce::Request>(net::Deadline::never())) {
            for (const bounce::Record& record : request->records)
                reports_.push_back(name + " " + record.recipient + " " + record.action + " " + record.code);
            bounce::Reply reply;
            reply.ok = !fail_reports_;
            if (!co_await connection.send(reply, soon()))
                co_return;
        }
    }

    Task<Result<queue::Committed>> commit(std::vector<std::string> recipients, std::uint8_t notify)
    {
        CO_TRY(queue::Draft draft, writer_->begin());
        draft.envelope().sender = "from@test";
        for (std::string& recipient : recipients)
            draft.envelope().recipients.push_back({.address = std::move(recipient), .notify = notify});
        CO_TRY(draft.append_lines("Subject: x\r\n\r\nbody\r\n"));
        co_return co_await writer_->commit(std::move(draft));
    }

    queue::MessageRef make_message(std::vector<std::string> recipients, std::uint8_t notify = 0)
    {
        auto committed = net::run_until_done(commit(std::move(recipients), notify));
        EXPECT_TRUE(committed) << committed.error().text();
        return committed->ref;
    }

    static qmgr::DeliveryRequest request_for(const queue::MessageRef& ref, std::uint32_t recipients)
    {
        qmgr::DeliveryRequest request;
        request.id = 7;
        request.message = ref.text();
        request.sender = "from@test";
        for (std::uint32_t i = 0; i < recipients; ++i)
            request.recipients.push_back({i, "r" + std::to_string(i) + "@test"});
        return request;
    }

    // Sends requests to an agent and returns its answers.
    std::vector<qmgr::DeliveryReply> ask(DeliveryAgent::Deliver deliver, std::vector<qmgr::DeliveryRequest> requests)
    {
        DeliveryAgent agent(options_, std::move(deliver));
        auto replies = net::run_until_done(converse(&agent, std::move(requests)));
        EXPECT_TRUE(replies) << replies.error().text();
        return std::move(*replies);
    }

    Task<Result<std::vector<qmgr::DeliveryReply>>> converse(DeliveryAgent* agent,
                                                            std::vector<qmgr::DeliveryRequest> requests)
    {
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
        net::TaskGroup serving;
        serving.start(agent->serve(net::Stream(UniqueFd(ends[0]))));
        ipc::Connection connection{net::Stream(UniqueFd(ends[1]))};
        CO_TRY(co_await connection.handshake(qmgr::delivery_protocol, soon()));
        for (const qmgr::DeliveryRequest& request : requests)
            CO_TRY(co_await connection.send(request, soon()));
        std::vector<qmgr::DeliveryReply> replies;
        while (replies.size() < requests.size()) {
            CO_TRY(qmgr::DeliveryReply reply, co_await connection.receive<qmgr::DeliveryReply>(soon()));
            replies.push_back(std::move(reply));
        }
        connection.stream().close();
        CO_TRY(co_await serving.join(soon()));
        co_return replies;
    }

    queue::RecipientMark mark(const queue::MessageRef& ref, std::size_t recipient)
    {
        queue::Reader reader(options_.queue);
        auto message = reader.open(ref);
        EXPECT_TRUE(message) << message.error().text();
        return message->mark(recipient);
    }

    std::filesystem::path directory_;
    DeliveryOptions options_;
    std::unique_ptr<queue::Writer> writer_;
    std::vector<std::unique_ptr<net::Listener>> listeners_;
    std::unique_ptr<net::TaskGroup> tasks_ = std::make_unique<net::TaskGroup>();
    std::vector<std::string> reports_;
    bool fail_reports_ = false;
};

Task<Outcomes> accept_all(JobPtr job) { co_return outcome_for_each(*job, dsn::Outcome::delivered({2, 0, 0}, "gone")); }

Task<Outcomes> one_of_each(JobPtr job)
{
    Outcomes outcomes;
    outcomes.push_back({.recipient = 0, .outcome = dsn::Outcome::delivered({2, 0, 0}, "gone")});
    outcomes.push_back({.recipient = 1, .outcome = dsn::Outcome::bounced({5, 1, 1}, "no such user")});
    outcomes.push_back({.recipient = 2, .outcome = dsn::Outcome::deferred({4, 2, 0}, "later")});
    static_cast<void>(job);
    co_return outcomes;
}

Task<Outcomes> forget_all(JobPtr) { co_return Outcomes{}; }

Task<Outcomes> settle_first_early(JobPtr job)
{
    Outcomes first;
    first.push_back({.recipient = 0, .outcome = dsn::Outcome::delivered({2, 0, 0}, "gone")});
    co_await job->settle(std::move(first));
    EXPECT_EQ(job->message().mark(0), queue::RecipientMark::Done);
    Outcomes rest;
    rest.push_back({.recipient = 1, .outcome = dsn::Outcome::deferred({4, 2, 0}, "later")});
    co_return rest;
}

TEST_F(DeliveryAgentTest, DeliveredRecipientsAreMarkedDone)
{
    auto ref = make_message({"r0@test", "r1@test"});
    auto replies = ask(accept_all, {request_for(ref, 2)});
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_EQ(replies[0].id, 7U);
    ASSERT_EQ(replies[0].recipients.size(), 2U);
    EXPECT_EQ(replies[0].recipients[1].result, qmgr::RecipientResult::Done);
    EXPECT_EQ(mark(ref, 0), queue::RecipientMark::Done);
    EXPECT_EQ(mark(ref, 1), queue::RecipientMark::Done);
    EXPECT_TRUE(reports_.empty());
}

TEST_F(DeliveryAgentTest, OutcomesReachBounceAndDeferAndTheirMarks)
{
    auto ref = make_message({"r0@test", "r1@test", "r2@test"});
    auto replies = ask(one_of_each, {request_for(ref, 3)});
    EXPECT_EQ(reports_, (std::vector<std::string>{"bounce r1@test failed 5.1.1", "defer r2@test delayed 4.2.0"}));
    EXPECT_EQ(mark(ref, 1), queue::RecipientMark::Bounced);
    EXPECT_EQ(mark(ref, 2), queue::RecipientMark::Todo);
    EXPECT_EQ(replies[0].recipients[2].result, qmgr::RecipientResult::Deferred);
    EXPECT_EQ(replies[0].recipients[2].reason, "later");
}

TEST_F(DeliveryAgentTest, SoftBounceDefersFailures)
{
    options_.soft_bounce = true;
    auto ref = make_message({"r0@test", "r1@test", "r2@test"});
    auto replies = ask(one_of_each, {request_for(ref, 3)});
    EXPECT_EQ(reports_[0], "defer r1@test delayed 4.1.1");
    EXPECT_EQ(mark(ref, 1), queue::RecipientMark::Todo);
    EXPECT_EQ(replies[0].recipients[1].result, qmgr::RecipientResult::Deferred);
}

TEST_F(DeliveryAgentTest, FailureWithoutBounceServiceIsDeferred)
{
    fail_reports_ = true;
    auto ref = make_message({"r0@test", "r1@test", "r2@test"});
    auto replies = ask(one_of_each, {request_for(ref, 3)});
    EXPECT_EQ(mark(ref, 1), queue::RecipientMark::Todo);
    EXPECT_EQ(replies[0].recipients[1].result, qmgr::RecipientResult::Deferred);
    EXPECT_EQ(replies[0].recipients[1].reason, "bounce or trace service failure");
}

TEST_F(DeliveryAgentTest, SuccessIsReportedWhenAskedFor)
{
    auto ref = make_message({"r0@test"}, queue::notify_success);
    ask(accept_all, {request_for(ref, 1)});
    EXPECT_EQ(reports_, (std::vector<std::string>{"trace r0@test delivered 2.0.0"}));
}

TEST_F(DeliveryAgentTest, ForgottenRecipientsAreDeferred)
{
    auto ref = make_message({"r0@test"});
    auto replies = ask(forget_all, {request_for(ref, 1)});
    EXPECT_EQ(replies[0].recipients[0].result, qmgr::RecipientResult::Deferred);
    EXPECT_EQ(mark(ref, 0), queue::RecipientMark::Todo);
}

TEST_F(DeliveryAgentTest, EarlyOutcomesAreMarkedEarly)
{
    auto ref = make_message({"r0@test", "r1@test"});
    auto replies = ask(settle_first_early, {request_for(ref, 2)});
    EXPECT_EQ(replies[0].recipients.size(), 2U);
}

TEST_F(DeliveryAgentTest, WhatIsMarkedIsNotDeliveredAgain)
{
    auto ref = make_message({"r0@test", "r1@test", "r2@test"});
    ask(one_of_each, {request_for(ref, 3)});
    auto request = request_for(ref, 2);  // the two that have an outcome
    auto replies = ask(forget_all, {request});
    EXPECT_EQ(replies[0].recipients[0].result, qmgr::RecipientResult::Done);
    EXPECT_EQ(replies[0].recipients[1].result, qmgr::RecipientResult::Bounced);
}

TEST_F(DeliveryAgentTest, MessageThatCannotBeReadIsAMessageProblem)
{
    auto ref = make_message({"r0@test"});
    auto unknown = ref;
    unknown.generation += 1;
    auto bad_index = request_for(ref, 2);
    auto replies = ask(accept_all, {request_for(unknown, 1), bad_index, request_for(ref, 1)});
    EXPECT_NE(replies[0].message_problem, "");
    EXPECT_NE(replies[1].message_problem, "");
    EXPECT_EQ(replies[2].message_problem, "");
}

TEST_F(DeliveryAgentTest, ManyRequestsAtOnceAreAllAnswered)
{
    std::vector<qmgr::DeliveryRequest> requests;
    for (int i = 0; i < 300; ++i) {
        requests.push_back(request_for(make_message({"r0@test"}), 1));
        requests.back().id = static_cast<std::uint64_t>(i);
    }
    options_.concurrency = 3;
    auto replies = ask(accept_all, requests);
    std::vector<bool> seen(300);
    for (const auto& reply : replies)
        seen[reply.id] = true;
    EXPECT_EQ(std::ranges::count(seen, true), 300);
}

// The agent before reports and marks: it knows for whom of the envelope the delivery was made.
TEST_F(DeliveryAgentTest, WhatAnotherAgentHandedOnIsAnsweredInFullAndNotMarked)
{
    const auto ref = make_message({"r0@test", "r1@test", "r2@test"}, queue::notify_success);
    qmgr::DeliveryRequest request = request_for(ref, 3);
    request.handed_on = 1;
    auto deliver = [](JobPtr job) -> Task<Outcomes> { co_return three_outcomes(*job); };
    const auto replies = ask(deliver, {request});
    ASSERT_EQ(replies.size(), 1U);
    ASSERT_EQ(replies[0].recipients.size(), 3U);
    EXPECT_EQ(replies[0].recipients[0].result, qmgr::RecipientResult::Done);
    EXPECT_EQ(replies[0].recipients[0].reason, "stored");
    EXPECT_EQ(replies[0].recipients[0].relay, "store[1]");
    EXPECT_EQ(replies[0].recipients[1].result, qmgr::RecipientResult::Bounced);
    EXPECT_EQ(replies[0].recipients[1].code, "5.1.1");
    EXPECT_EQ(replies[0].recipients[2].result, qmgr::RecipientResult::Deferred);
    EXPECT_TRUE(reports_.empty());
    for (std::size_t i = 0; i < 3; ++i)
        EXPECT_EQ(mark(ref, i), queue::RecipientMark::Todo);
}

}  // namespace
}  // namespace posthaste::server
