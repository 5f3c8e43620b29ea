// queue_manager_test.cc — the queue manager over a real queue, with the real skeleton of delivery agents and a report
// service of the test's own, all in one process and one loop.
#include "daemon/qmgr/queue_manager.h"

#include "net/tasks.h"
#include "queue/queue_file.h"
#include "queue/writer.h"
#include "server/delivery_agent.h"

#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

namespace posthaste::qmgr {
namespace {

using namespace std::chrono_literals;
using dsn::Outcome;
using testing::ElementsAre;
using testing::IsEmpty;

class QueueManagerTest : public testing::Test {
protected:
    using Answer = std::function<Outcome(const std::string& address)>;

    QueueManagerTest()
    {
        std::string name = (std::filesystem::temp_directory_path() / "qmgr-test.XXXXXX").string();
        directory = ::mkdtemp(name.data());
        std::filesystem::create_directory(directory / "private");
        options.directory = directory.string();
        options.segment_size = 1 << 20;
        for (const char* service : {"bounce", "defer", "trace"})
            tasks.start(listen(service, [this](net::Stream stream, std::string which) {
                return serve_reports(std::move(stream), std::move(which));
            }));
    }
    ~QueueManagerTest() override { std::filesystem::remove_all(directory); }

    using Serve = std::function<Task<void>(net::Stream, std::string)>;
    Task<void> listen(std::string service, Serve serve)
    {
        auto where = net::Endpoint::unix_path((directory / "private" / service).string());
        auto socket = net::listen_on(*where);
        EXPECT_TRUE(socket) << socket.error().text();
        net::Listener listener(std::move(*socket));
        for (;;) {
            auto accepted = co_await listener.accept(net::Deadline::never());
            if (!accepted)
                co_return;
            tasks.start(serve(std::move(accepted->stream), service));
        }
    }

    Task<void> serve_reports(net::Stream stream, std::string which)
    {
        ipc::Connection connection(std::move(stream));
        if (!co_await connection.handshake(bounce::bounce_protocol, net::Deadline::after(5s)))
            co_return;
        for (;;) {
            auto request = co_await connection.receive<bounce::Request>(net::Deadline::never());
            if (!request)
                co_return;
            if (report_gated)
                static_cast<void>(co_await report_gate.wait(net::Deadline::after(10s)));
            if (request->command == bounce::Command::Append)
                appended += which == "bounce" ? request->records.size() : 0;
            else
                reports.push_back(which + " " + std::to_string(static_cast<int>(request->command)) + " " +
                                  std::to_string(request->records.size()));
            if (!co_await connection.send(bounce::Reply{.ok = reports_work}, net::Deadline::after(5s)))
                co_return;
        }
    }

    // An agent for a transport: `answer` decides each recipient.
    void add_agent(const std::string& transport, Answer answer)
    {
        server::DeliveryOptions agent_options;
        agent_options.queue = options;
        agent_options.socket_directory = (directory / "private").string();
        auto agent = std::make_shared<server::DeliveryAgent>(
            agent_options, [answer, this](server::JobPtr job) { return deliver(job, answer); });
        agents.push_back(agent);
        tasks.start(
            listen(transport, [agent](net::Stream stream, std::string) { return agent->serve(std::move(stream)); }));
    }
    Task<server::Outcomes> deliver(server::JobPtr job, Answer answer)
    {
        if (gated)
            static_cast<void>(co_await gate.wait(net::Deadline::after(10s)));
        server::Outcomes outcomes;
        for (std::size_t i = 0; i < job->recipients().size(); ++i) {
            const std::string& address = job->recipients()[i].address;
            attempts.push_back(job->request().transport + " " + address);
            outcomes.push_back({.recipient = i, .outcome = answer(address)});
        }
        co_return outcomes;
    }

    void start(const std::string& settings = {})
    {
        auto config = config::load_text("myhostname = mail.test\nmydestination = local.test\n"
                                        "inet_interfaces = 127.0.0.1\nlocal_transport = local\n" +
                                            settings,
                                        "main.cf", {});
        ASSERT_TRUE(config) << config.error().text();
        auto opened = QueueManager::open(*config, options, {.private_directory = (directory / "private").string()});
        ASSERT_TRUE(opened) << opened.error().text();
        manager = std::move(*opened);
        ASSERT_TRUE(manager->start());
        housekeeping = std::make_unique<net::TaskGroup>();
        housekeeping->start(manager->keep_house());
    }

    std::string submit(std::vector<std::string> recipients, const std::string& sender = "sender@x.test",
                       std::chrono::seconds age = 0s)
    {
        return net::run_until_done(commit(std::move(recipients), sender, age));
    }
    Task<std::string> commit(std::vector<std::string> recipients, std::string sender, std::chrono::seconds age)
    {
        if (!writer)
            writer = std::move(*queue::Writer::open(options, ""));
        auto draft = writer->begin();
        EXPECT_TRUE(draft);
        draft->envelope().sender = sender;
        draft->envelope().arrival_seconds -= age.count();
        for (std::string& recipient : recipients)
            draft->envelope().recipients.push_back({.address = std::move(recipient)});
        EXPECT_TRUE(draft->append_line("Subject: test"));
        EXPECT_TRUE(draft->append_line(""));
        draft->end_of_header();
        EXPECT_TRUE(draft->append_line("body"));
        auto committed = co_await writer->commit(std::move(*draft));
        EXPECT_TRUE(committed) << committed.error().text();
        if (manager)
            manager->hint();
        co_return committed->ref.queue_id;
    }

    Task<bool> until(std::function<bool()> condition, int turns)
    {
        for (int i = 0; i < turns; ++i) {
            if (condition())
                co_return true;
            co_await net::sleep_for(10ms);
        }
        co_return false;
    }
    // A turn is 10 ms.
    bool wait_for(std::function<bool()> condition, int turns = 1500)
    {
        return net::run_until_done(until(std::move(condition), turns));
    }
    bool wait_until_idle(std::size_t attempts_expected)
    {
        return wait_for([&] { return attempts.size() >= attempts_expected && manager->active() == 0; });
    }
    [[nodiscard]] std::vector<std::string> files(const std::string& queue) const
    {
        std::vector<std::string> found;
        if (std::filesystem::exists(directory / queue))
            for (const auto& entry : std::filesystem::recursive_directory_iterator(directory / queue))
                if (entry.is_regular_file())
                    found.push_back(entry.path().filename());
        return found;
    }
    ControlOutcome control(Command command, const std::string& queue_id)
    {
        return net::run_until_done(manager->control({.command = command, .queue_ids = {queue_id}}))
            .results.at(0)
            .outcome;
    }

    std::filesystem::path directory;
    queue::QueueOptions options;
    std::unique_ptr<queue::Writer> writer;
    std::vector<std::string> attempts;
    std::vector<std::string> reports;
    std::size_t appended = 0;  // records, to the bounce log
    bool reports_work = true;
    bool gated = false;  // agents wait for the gate
    net::Event gate;
    bool report_gated = false;  // report services wait for theirs
    net::Event report_gate;
    std::vector<std::shared_ptr<server::DeliveryAgent>> agents;
    net::TaskGroup tasks;
    std::unique_ptr<QueueManager> manager;
    std::unique_ptr<net::TaskGroup> housekeeping;  // works on the manager
};

Outcome sent(const std::string&) { return Outcome::delivered({2, 0, 0}, "ok"); }
Outcome put_off(const std::string&) { return Outcome::deferred({4, 2, 0}, "not now"); }
Outcome refused(const std::string&) { return Outcome::bounced({5, 1, 1}, "unknown user"); }

TEST_F(QueueManagerTest, delivers_to_each_transport_and_forgets_the_message)
{
    add_agent("smtp", sent);
    add_agent("local", sent);
    start();
    submit({"a@remote.test", "b@local.test", "c@remote.test"});
    ASSERT_TRUE(wait_until_idle(3));
    EXPECT_THAT(attempts,
                testing::UnorderedElementsAre("smtp a@remote.test", "smtp c@remote.test", "local b@local.test"));
    EXPECT_EQ(manager->deferred(), 0U);
    EXPECT_THAT(reports, IsEmpty());
}

TEST_F(QueueManagerTest, reads_what_was_committed_before_it_started)
{
    submit({"a@remote.test"});
    submit({"b@remote.test"});
    add_agent("smtp", sent);
    start();
    ASSERT_TRUE(wait_until_idle(2));
}

TEST_F(QueueManagerTest, delivers_thousands)
{
    add_agent("smtp", sent);
    start();
    constexpr std::size_t count = 2000;
    for (std::size_t i = 0; i < count; ++i)
        submit({"u" + std::to_string(i) + "@remote.test"});
    ASSERT_TRUE(wait_until_idle(count));
    EXPECT_EQ(attempts.size(), count);
}

TEST_F(QueueManagerTest, puts_off_what_is_deferred_and_tries_it_when_flushed)
{
    bool works = false;
    add_agent("smtp", [&](const std::string& address) {
        return works || address == "good@remote.test" ? sent(address) : put_off(address);
    });
    start();
    const std::string id = submit({"good@remote.test", "bad@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_THAT(files("deferred"), ElementsAre(id));
    works = true;
    manager->flush();
    ASSERT_TRUE(wait_until_idle(3));
    EXPECT_THAT(attempts, ElementsAre("smtp good@remote.test", "smtp bad@remote.test", "smtp bad@remote.test"));
    EXPECT_TRUE(wait_for([&] { return files("deferred").empty() && files("active").empty(); }));
}

TEST_F(QueueManagerTest, finds_deferred_mail_again_after_a_restart)
{
    add_agent("smtp", put_off);
    start();
    submit({"bad@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    housekeeping.reset();
    manager.reset();
    start();
    EXPECT_TRUE(wait_for([&] { return manager->deferred() == 1; }));
}

TEST_F(QueueManagerTest, finds_what_somebody_moves_to_deferred_when_it_is_flushed)
{
    add_agent("smtp", put_off);
    start();
    const std::string id = submit({"bad@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_EQ(control(Command::Hold, id), ControlOutcome::Done);
    EXPECT_EQ(manager->deferred(), 0U);
    std::filesystem::rename(directory / queue::queue_file_path(options, queue::QueueName::Hold, id),
                            directory / "deferred" / id);  // not even where it belongs
    manager->flush();
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 2 && manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_EQ(control(Command::Remove, id), ControlOutcome::Done);
    EXPECT_THAT(files("deferred"), IsEmpty());
}

TEST_F(QueueManagerTest, removes_and_holds_what_is_in_deferred_and_not_listed_yet)
{
    add_agent("smtp", put_off);
    start();
    const std::string removed = submit({"a@remote.test"});
    const std::string held = submit({"b@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 2 && manager->active() == 0; }));
    housekeeping.reset();
    manager.reset();
    start();
    EXPECT_EQ(control(Command::Remove, removed), ControlOutcome::Done);
    EXPECT_EQ(control(Command::Hold, held), ControlOutcome::Done);
    EXPECT_THAT(files("hold"), ElementsAre(held));
    EXPECT_TRUE(wait_for([&] { return manager->deferred() == 0; }));
    EXPECT_THAT(attempts, testing::SizeIs(2));
}

TEST_F(QueueManagerTest, asks_for_a_report_before_a_bounced_message_is_gone)
{
    add_agent("smtp", refused);
    start();
    submit({"nobody@remote.test"});
    ASSERT_TRUE(wait_until_idle(1));
    EXPECT_THAT(reports, ElementsAre("bounce 1 0"));
    EXPECT_EQ(manager->deferred(), 0U);
}

TEST_F(QueueManagerTest, keeps_a_bounced_message_while_no_report_can_be_made)
{
    reports_work = false;
    add_agent("smtp", [](const std::string&) { return Outcome::bounced({5, 1, 1}, "unknown user"); });
    start();
    submit({"nobody@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    reports_work = true;
    manager->flush();
    ASSERT_TRUE(wait_for([&] { return files("deferred").empty() && manager->active() == 0; }));
}

TEST_F(QueueManagerTest, returns_what_is_too_old_to_its_sender)
{
    add_agent("smtp", put_off);
    start("maximal_queue_lifetime = 1h\n");
    submit({"a@remote.test", "b@remote.test"}, "sender@x.test", 2h);
    ASSERT_TRUE(wait_until_idle(2));
    EXPECT_THAT(reports, ElementsAre("bounce 1 2", "defer 3 0"));
    EXPECT_EQ(manager->deferred(), 0U);
}

TEST_F(QueueManagerTest, warns_of_a_delay_once)
{
    add_agent("smtp", put_off);
    start("delay_warning_time = 1h\n");
    submit({"a@remote.test"}, "sender@x.test", 2h);
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    manager->flush();
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 2 && manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_THAT(reports, ElementsAre("defer 2 0"));
}

TEST_F(QueueManagerTest, defers_through_the_retry_agent_when_a_transport_is_missing)
{
    std::vector<std::string> reasons;
    add_agent("retry", put_off);
    start("default_transport = nosuch\n");
    submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_THAT(attempts, ElementsAre("retry a@remote.test"));
}

TEST_F(QueueManagerTest, leaves_defer_transports_alone_until_it_is_flushed)
{
    add_agent("retry", put_off);
    add_agent("smtp", sent);
    start("defer_transports = smtp\n");
    submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    manager->flush();
    ASSERT_TRUE(wait_until_idle(2));
    EXPECT_THAT(attempts, ElementsAre("retry a@remote.test", "smtp a@remote.test"));
}

TEST_F(QueueManagerTest, tries_again_at_once_what_is_put_off_while_it_is_flushed)
{
    add_agent("retry", put_off);
    add_agent("smtp", sent);
    start("defer_transports = smtp\n");
    gated = true;
    submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->active() == 1 && manager->recipients_in_memory() == 1; }));
    manager->flush();
    gated = false;
    gate.set();
    ASSERT_TRUE(wait_until_idle(2));
    EXPECT_THAT(attempts, ElementsAre("retry a@remote.test", "smtp a@remote.test"));
}

TEST_F(QueueManagerTest, bounds_the_active_queue)
{
    gated = true;
    add_agent("smtp", sent);
    start("qmgr_message_active_limit = 3\n");
    for (int i = 0; i < 10; ++i)
        submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->active() == 3; }));
    gated = false;
    gate.set();
    ASSERT_TRUE(wait_until_idle(10));
}

TEST_F(QueueManagerTest, removes_holds_and_releases_deferred_mail)
{
    add_agent("smtp", put_off);
    start();
    const std::string first = submit({"a@remote.test"});
    const std::string second = submit({"b@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 2 && manager->active() == 0; }));
    EXPECT_EQ(control(Command::Remove, first), ControlOutcome::Done);
    EXPECT_EQ(control(Command::Remove, first), ControlOutcome::NotFound);
    EXPECT_EQ(control(Command::Hold, second), ControlOutcome::Done);
    EXPECT_THAT(files("hold"), ElementsAre(second));
    EXPECT_EQ(manager->deferred(), 0U);
    EXPECT_EQ(control(Command::Release, second), ControlOutcome::Done);
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 3 && manager->deferred() == 1; }));
    EXPECT_THAT(files("deferred"), ElementsAre(second));
}

TEST_F(QueueManagerTest, removes_and_holds_active_mail)
{
    gated = true;
    add_agent("smtp", put_off);
    start("default_destination_concurrency_limit = 1\n");
    const std::string under_way = submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->active() == 1; }));
    const std::string removed = submit({"b@remote.test"});
    const std::string held = submit({"c@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->active() == 3; }));
    EXPECT_EQ(manager->list().size(), 3U);
    EXPECT_EQ(control(Command::Remove, removed), ControlOutcome::Done);
    EXPECT_EQ(control(Command::Hold, held), ControlOutcome::Done);
    EXPECT_EQ(control(Command::Remove, under_way), ControlOutcome::Pending);
    gate.set();
    ASSERT_TRUE(wait_for([&] { return manager->active() == 0; }));
    EXPECT_THAT(attempts, ElementsAre("smtp a@remote.test"));
    EXPECT_THAT(files("hold"), ElementsAre(held));
    EXPECT_THAT(files("deferred"), IsEmpty());
}

// The queue manager before died, or the power failed, while it moved this one: all but the file's content was written.
TEST_F(QueueManagerTest, does_not_take_the_torn_copy_of_a_survivor_for_a_second_message)
{
    gated = true;
    add_agent("smtp", put_off);
    const std::string id = submit({"a@remote.test"});
    const std::string torn = (directory / queue::queue_file_path(options, queue::QueueName::Deferred, id)).string();
    std::filesystem::create_directories(std::filesystem::path(torn).parent_path());
    ASSERT_TRUE(replace_file(torn, std::string(5000, '\0'), queue::mode_complete));
    start();
    ASSERT_TRUE(wait_for([&] { return manager->active() == 1; }));
    EXPECT_FALSE(wait_for([&] { return manager->deferred() == 1; }, 20));
    gate.set();
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_THAT(files("deferred"), ElementsAre(id));
}

TEST_F(QueueManagerTest, sets_a_message_aside_that_no_agent_can_read)
{
    add_agent("smtp", put_off);
    start();
    const std::string id = submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    const std::string path = queue::queue_file_path(options, queue::QueueName::Deferred, id);
    auto fd = open_file((directory / path).string(), O_RDWR);
    ASSERT_TRUE(fd);
    ASSERT_TRUE(write_fully_at(fd->get(), "?", queue::file_header_size));
    manager->flush();
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 0 && manager->active() == 0; }));
    EXPECT_THAT(files("corrupt"), ElementsAre(id));
    EXPECT_THAT(attempts, ElementsAre("smtp a@remote.test"));
}

TEST_F(QueueManagerTest, keeps_in_mind_what_cannot_be_activated_for_a_while)
{
    bool works = false;
    add_agent("smtp", [&](const std::string& address) { return works ? sent(address) : put_off(address); });
    start("minimal_backoff_time = 1s\n");
    submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    // No directory can be where a file is: as good an error as a full disk, for every user.
    std::filesystem::remove_all(directory / "active");
    ASSERT_TRUE(replace_file((directory / "active").string(), "", 0600));
    works = true;
    manager->flush();
    EXPECT_FALSE(wait_for([&] { return manager->deferred() == 0; }, 20));
    EXPECT_EQ(attempts.size(), 1U);
    std::filesystem::remove(directory / "active");
    std::filesystem::create_directory(directory / "active");
    ASSERT_TRUE(wait_until_idle(2));
}

TEST_F(QueueManagerTest, does_what_is_wished_while_the_report_is_written)
{
    report_gated = true;
    add_agent("smtp", [](const std::string& address) {
        return address.starts_with("nobody") ? refused(address) : put_off(address);
    });
    start();
    const std::string removed = submit({"nobody@remote.test", "a@remote.test"});
    const std::string held = submit({"nobody@remote.test", "b@remote.test"});
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 4 && manager->active() == 2; }));
    EXPECT_EQ(control(Command::Remove, removed), ControlOutcome::Pending);
    EXPECT_EQ(control(Command::Hold, held), ControlOutcome::Pending);
    EXPECT_EQ(control(Command::Remove, removed), ControlOutcome::Pending);
    report_gate.set();
    ASSERT_TRUE(wait_for([&] { return manager->active() == 0; }));
    EXPECT_THAT(files("hold"), ElementsAre(held));
    EXPECT_THAT(files("deferred"), IsEmpty());
    EXPECT_EQ(manager->deferred(), 0U);
}

TEST_F(QueueManagerTest, returns_a_message_that_is_expired_by_hand)
{
    add_agent("smtp", put_off);
    start();
    const std::string id = submit({"a@remote.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1 && manager->active() == 0; }));
    EXPECT_EQ(control(Command::Expire, id), ControlOutcome::Done);
    EXPECT_EQ(control(Command::Retry, id), ControlOutcome::Done);
    ASSERT_TRUE(wait_until_idle(2));
    EXPECT_THAT(reports, testing::Contains("bounce 1 1"));
    EXPECT_THAT(files("deferred"), IsEmpty());
}

// Recipients u0, u1, ... of one domain.
std::vector<std::string> many(std::size_t count, const std::string& domain = "remote.test")
{
    std::vector<std::string> recipients;
    for (std::size_t i = 0; i < count; ++i)
        recipients.push_back("u" + std::to_string(i) + "@" + domain);
    return recipients;
}

TEST_F(QueueManagerTest, reads_a_large_list_piece_by_piece)
{
    add_agent("smtp", sent);
    gated = true;
    start("qmgr_message_recipient_limit = 20\nsmtp_recipient_limit = 60\nsmtp_recipient_refill_limit = 10\n"
          "smtp_destination_recipient_limit = 2\n");
    submit(many(1000));
    ASSERT_TRUE(wait_for([&] { return manager->recipients_in_memory() >= 20; }));
    std::size_t most = 0;
    gated = false;
    gate.set();
    ASSERT_TRUE(wait_for([&] {
        most = std::max(most, manager->recipients_in_memory());
        return attempts.size() >= 1000 && manager->active() == 0;
    }));
    EXPECT_LE(most, 20U + 60U);
    std::ranges::sort(attempts);
    EXPECT_EQ(std::ranges::unique(attempts).begin(), attempts.end());
    EXPECT_EQ(attempts.size(), 1000U);
    EXPECT_THAT(reports, IsEmpty());
}

TEST_F(QueueManagerTest, reads_at_least_the_minimum_of_each_message)
{
    add_agent("smtp", sent);
    gated = true;
    start("qmgr_message_recipient_limit = 1\nqmgr_message_recipient_minimum = 4\nsmtp_recipient_limit = 1\n"
          "smtp_extra_recipient_limit = 0\n");
    for (int i = 0; i < 3; ++i)
        submit(many(7));
    ASSERT_TRUE(wait_for([&] { return manager->active() == 3; }));
    EXPECT_EQ(manager->recipients_in_memory(), 12U);
    gated = false;
    gate.set();
    ASSERT_TRUE(wait_until_idle(21));
}

TEST_F(QueueManagerTest, tries_a_large_list_again_without_those_who_have_it)
{
    add_agent("smtp", [](const std::string& address) { return address.starts_with("u7") ? put_off("") : sent(""); });
    start("qmgr_message_recipient_limit = 50\nsmtp_recipient_limit = 50\nminimal_backoff_time = 1s\n"
          "maximal_backoff_time = 1s\n");
    submit(many(400));
    ASSERT_TRUE(wait_until_idle(400));
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 1; }));
    attempts.clear();
    ASSERT_TRUE(wait_for([&] { return attempts.size() == 11; }));  // u7, u70 to u79
}

TEST_F(QueueManagerTest, returns_a_large_list_that_nobody_took)
{
    add_agent("smtp", put_off);
    start("qmgr_message_recipient_limit = 50\nsmtp_recipient_limit = 500\nmaximal_queue_lifetime = 1d\n"
          "bounce_queue_lifetime = 1d\n");
    submit(many(2500), "sender@x.test", 48h);
    ASSERT_TRUE(wait_until_idle(2500));
    // Appended in three parts, then the report.
    const std::string append = "bounce " + std::to_string(static_cast<int>(bounce::Command::Flush)) + " 0";
    EXPECT_THAT(reports, testing::Contains(append));
    EXPECT_EQ(appended, 2500U);
    EXPECT_EQ(manager->deferred(), 0U);
}

TEST_F(QueueManagerTest, lists_and_removes_a_large_list_that_is_not_read_yet)
{
    add_agent("smtp", sent);
    gated = true;
    start("qmgr_message_recipient_limit = 20\nsmtp_recipient_limit = 20\n");
    const std::string id = submit(many(1500));
    ASSERT_TRUE(wait_for([&] { return manager->recipients_in_memory() >= 20; }));
    EXPECT_EQ(manager->list().at(0).recipients.size(), 1500U);
    control(Command::Remove, id);
    gated = false;
    gate.set();
    ASSERT_TRUE(wait_for([&] { return manager->active() == 0; }));
    EXPECT_LE(attempts.size(), 100U);
}

TEST_F(QueueManagerTest, deferred_mail_leaves_room_for_new_mail)
{
    add_agent("smtp", put_off);
    start("qmgr_message_active_limit = 10\nminimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n");
    for (int i = 0; i < 30; ++i)
        submit({"u" + std::to_string(i) + "@slow.test"});
    ASSERT_TRUE(wait_for([&] { return manager->deferred() == 30; }));
    gated = true;
    gate.reset();
    ASSERT_TRUE(wait_for([&] { return manager->active() == 8; }));
    submit({"new@live.test"});
    EXPECT_TRUE(wait_for([&] { return manager->active() == 9; }));
    gated = false;
    gate.set();
}

}  // namespace
}  // namespace posthaste::qmgr
