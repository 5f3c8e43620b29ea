#include "daemon/cleanup/service.h"

#include "net/tasks.h"
#include "queue/reader.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/socket.h>

namespace posthaste::cleanup {
namespace {

// The service in the test's process, over one end of a socket pair; the working directory is a queue directory.
class CleanupService : public testing::Test {
protected:
    void SetUp() override
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "cleanup.XXXXXX").string();
        directory_ = ::mkdtemp(pattern.data());
        before_ = std::filesystem::current_path();
        std::filesystem::current_path(directory_);
        std::filesystem::create_directory("incoming");
        auto config = config::load_text("compatibility_level = 3.6\nmyhostname = mail.here.test\nhopcount_limit = 3\n"
                                        "queue_journal_segment_size = 1048576\nlocal_recipient_maps =\nalias_maps =\n",
                                        "main.cf", {.config_directory = directory_});
        ASSERT_TRUE(config) << config.error().text();
        context_.config = *config;
        service_ = std::make_unique<Service>(context_);
        ASSERT_TRUE(service_->before_jail());
        ASSERT_TRUE(service_->after_jail());
        int ends[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
        serving_.start(service_->serve(net::Stream(UniqueFd(ends[0])), net::Endpoint()));
        client_ = std::make_unique<ipc::Connection>(net::Stream(UniqueFd(ends[1])));
        ASSERT_TRUE(net::run_until_done(client_->handshake(cleanup_protocol, deadline())));
    }
    void TearDown() override
    {
        client_.reset();
        std::filesystem::current_path(before_);
        std::filesystem::remove_all(directory_);
    }
    static net::Deadline deadline() { return net::Deadline::after(std::chrono::seconds(20)); }

    static Task<Result<Reply>> exchange(ipc::Connection* client, Submit request, std::string content)
    {
        CO_TRY(co_await client->send(request, deadline()));
        if (!content.empty())
            CO_TRY(co_await client->stream().write_all(content, deadline()));
        co_return co_await client->receive<Reply>(deadline());
    }
    Reply submit(Submit request, const std::string& content)
    {
        request.content_size = content.size();
        request.sender = "ann@here.test";
        request.recipients = {{.address = "bob@there.test", .original = "bob"}};
        auto reply = net::run_until_done(exchange(client_.get(), std::move(request), content));
        EXPECT_TRUE(reply) << reply.error().text();
        return reply ? *reply : Reply{};
    }

    std::filesystem::path before_;
    std::string directory_;
    server::Context context_;
    std::unique_ptr<Service> service_;
    std::unique_ptr<ipc::Connection> client_;
    net::TaskGroup serving_;
};

TEST_F(CleanupService, CommitsWhatIsSentAndAnswersInOrder)
{
    Reply first = submit({.headers = "Delivered-To: bob@here.test\r\n"}, "Subject: s\r\n\r\nbody\r\n");
    EXPECT_TRUE(first.ok) << first.text;
    Reply second = submit({}, "Subject: t\r\n\r\n" + std::string(200'000, 'x') + "\r\n");
    EXPECT_TRUE(second.ok) << second.text;
    EXPECT_NE(first.queue_id, second.queue_id);
}

TEST_F(CleanupService, RefusesAndGoesOn)
{
    Reply looping = submit({}, "Received: a\r\nReceived: b\r\nReceived: c\r\n\r\n");
    EXPECT_FALSE(looping.ok);
    EXPECT_FALSE(looping.temporary);
    EXPECT_EQ(looping.smtp_code, 554);
    EXPECT_EQ(looping.text, "too many hops");
    EXPECT_TRUE(submit({}, "\r\nbody\r\n").ok);
}

TEST_F(CleanupService, IsTemporaryAboutAMessageThatIsNotThere)
{
    Reply reply = submit({.content_of = "F deferred 48CA5A725CF"}, "");
    EXPECT_FALSE(reply.ok);
    EXPECT_TRUE(reply.temporary);
}

}  // namespace
}  // namespace posthaste::cleanup
