// queue_manager_fixture.h — for tests: the queue manager over a real queue, with the real skeleton of delivery agents
// and a report service of the test's own, all in one process and one loop.
#pragma once

#include "daemon/qmgr/queue_manager.h"

#include "net/tasks.h"
#include "queue/reader.h"
#include "queue/writer.h"
#include "server/delivery_agent.h"

#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

namespace posthaste::qmgr {

using namespace std::chrono_literals;
using dsn::Outcome;

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
        for (const char* service : {"bounce", "defer", "trace", "other_bounce"})
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
        if (!co_await connection.handshake(bounce::bounce_protocol, net::Deadline::after(30s)))
            co_return;
        for (;;) {
            auto request = co_await connection.receive<bounce::Request>(net::Deadline::never());
            if (!request)
                co_return;
            ++reports_asked;
            if (which == gated_service && request->command != bounce::Command::Append)
                static_cast<void>(co_await report_gate.wait(net::Deadline::after(30s)));
            if (request->command == bounce::Command::Append)
                appended += which == "bounce" ? request->records.size() : 0;
            else
                reports.push_back(which + " " + std::to_string(static_cast<int>(request->command)) + " " +
                                  std::to_string(request->records.size()));
            if (!co_await connection.send(bounce::Reply{.ok = reports_work}, net::Deadline::after(30s)))
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
    // An agent that goes away with each request. The message stays locked until `held` is cleared, as while the process
    // is on its way out.
    void add_dying_agent(const std::string& transport)
    {
        tasks.start(listen(transport, [this](net::Stream stream, std::string which) {
            return die(std::move(stream), std::move(which));
        }));
    }
    Task<void> die(net::Stream stream, std::string transport)
    {
        ipc::Connection connection(std::move(stream));
        if (!co_await connection.handshake(delivery_protocol, net::Deadline::after(30s)))
            co_return;
        auto request = co_await connection.receive<DeliveryRequest>(net::Deadline::never());
        if (!request)
            co_return;
        attempts.push_back(transport + " dies");
        held.push_back(*queue::Reader(options).open(*queue::MessageRef::parse(request->message)));
    }
    // An agent that cannot look at any message.
    void add_blind_agent(const std::string& transport)
    {
        tasks.start(listen(transport, [this](net::Stream stream, std::string which) {
            return see_nothing(std::move(stream), std::move(which));
        }));
    }
    Task<void> see_nothing(net::Stream stream, std::string transport)
    {
        ipc::Connection connection(std::move(stream));
        if (!co_await connection.handshake(delivery_protocol, net::Deadline::after(30s)))
            co_return;
        for (;;) {
            auto request = co_await connection.receive<DeliveryRequest>(net::Deadline::never());
            if (!request)
                co_return;
            attempts.push_back(transport + " sees nothing");
            const DeliveryReply reply{.id = request->id, .message_problem = "too many open files"};
            if (!co_await connection.send(reply, net::Deadline::after(30s)))
                co_return;
        }
    }
    Task<server::Outcomes> deliver(server::JobPtr job, Answer answer)
    {
        if (gated)
            static_cast<void>(co_await gate.wait(net::Deadline::after(30s)));
        server::Outcomes outcomes;
        for (std::size_t i = 0; i < job->recipients().size(); ++i) {
            const std::string& address = job->recipients()[i].address;
            attempts.push_back(job->request().transport + " " + address);
            outcomes.push_back({.recipient = i, .outcome = answer(address)});
        }
        co_return outcomes;
    }

    static std::shared_ptr<const config::Config> configuration(const std::string& settings)
    {
        auto config = config::load_text("myhostname = mail.test\nmydestination = local.test\n"
                                        "inet_interfaces = 127.0.0.1\nlocal_transport = local\n" +
                                            settings,
                                        "main.cf", {});
        EXPECT_TRUE(config) << config.error().text();
        return *config;
    }
    static Task<void> open_later(net::Event* gate)
    {
        co_await net::sleep_for(50ms);
        gate->set();
    }
    // What a process does that is asked to leave, within ten seconds, or (patient == false) is killed.
    void end(bool patient = true)
    {
        if (patient)
            net::run_until_done(manager->wind_up(net::Deadline::after(10s)));
        manager.reset();
    }
    void start(const std::string& settings = {})
    {
        const Surroundings surroundings{.private_directory = (directory / "private").string()};
        auto snapshot = QueueManager::read(configuration(settings), surroundings);
        ASSERT_TRUE(snapshot) << snapshot.error().text();
        auto opened = QueueManager::open(std::move(*snapshot), options, surroundings);
        ASSERT_TRUE(opened) << opened.error().text();
        manager = std::move(*opened);
        ASSERT_TRUE(manager->start());
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
        for (const std::string& recipient : recipients)
            draft->envelope().recipients.push_back(
                {.address = recipient, .notify = notify_of.contains(recipient) ? notify_of.at(recipient) : notify});
        EXPECT_TRUE(draft->append_line("Subject: test"));
        EXPECT_TRUE(draft->append_line(""));
        draft->end_of_header();
        EXPECT_TRUE(draft->append_line("body"));
        auto committed = co_await writer->commit(std::move(*draft));
        EXPECT_TRUE(committed) << committed.error().text();
        if (manager)
            manager->hint();
        last_committed = committed->ref;
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
    bool wait_for(std::function<bool()> condition, int turns = 3000)
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
    // Overwrites the first byte of this text wherever a message in the journal has it.
    [[nodiscard]] bool damage_in_journal(const std::string& text) const
    {
        bool done = false;
        for (const auto& entry : std::filesystem::directory_iterator(directory / "journal")) {
            auto bytes = read_file(entry.path());
            for (std::size_t at = 0; bytes && (at = bytes->find(text, at)) != std::string::npos; ++at)
                done =
                    write_fully_at(open_file(entry.path(), O_WRONLY)->get(), "?", static_cast<off_t>(at)).has_value();
        }
        return done;
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
    std::uint8_t notify = 0;                        // of the recipients that are submitted next: queue::notify_...
    std::map<std::string, std::uint8_t> notify_of;  // the same by address
    queue::MessageRef last_committed;
    std::vector<std::string> attempts;
    std::vector<std::string> reports;
    std::size_t reports_asked = 0;  // requests to the report services, answered or not
    std::size_t appended = 0;       // records, to the bounce log
    bool reports_work = true;
    std::vector<queue::StoredMessage> held;
    bool gated = false;  // agents wait for the gate
    net::Event gate;
    std::string gated_service;  // the report service that waits for its gate, but with reasons
    net::Event report_gate;
    std::vector<std::shared_ptr<server::DeliveryAgent>> agents;
    net::TaskGroup tasks;
    std::unique_ptr<QueueManager> manager;
};

inline Outcome sent(const std::string&) { return Outcome::delivered({2, 0, 0}, "ok"); }
inline Outcome put_off(const std::string&) { return Outcome::deferred({4, 2, 0}, "not now"); }
inline Outcome refused(const std::string&) { return Outcome::bounced({5, 1, 1}, "unknown user"); }

}  // namespace posthaste::qmgr
