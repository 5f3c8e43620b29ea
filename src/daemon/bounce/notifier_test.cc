// Notifications as they are committed to a queue of the test's own, where mail for some addresses is not taken for now.
#include "daemon/bounce/notifier.h"

#include "net/tasks.h"
#include "queue/store.h"

#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::bounce {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class NotifierTest : public testing::Test {
protected:
    NotifierTest()
    {
        std::string name = (std::filesystem::temp_directory_path() / "notifier-test.XXXXXX").string();
        options_.directory = ::mkdtemp(name.data());
        options_.segment_size = 1 << 20;
        std::filesystem::create_directory(options_.directory + "/incoming");
        for (dsn::ReportKind kind : dsn::report_kinds)
            templates_[static_cast<std::size_t>(kind)] = dsn::built_in_template(kind);
    }
    ~NotifierTest() override
    {
        pipeline_.reset();
        std::filesystem::remove_all(options_.directory);
    }

    // Mail for these addresses is taken; virtual_alias_maps fails for all others.
    void open(const std::string& settings, const std::vector<std::string>& addresses)
    {
        std::string good;
        for (const std::string& address : addresses)
            good += "{" + address + "=" + address + "} ";
        auto config = config::load_text("myhostname = mail.test\nmyorigin = mail.test\ninet_interfaces = 127.0.0.1\n"
                                        "virtual_alias_domains =\nvirtual_alias_maps = inline:{" +
                                            good + "}, fail:broken\n" + settings,
                                        "main.cf", {});
        ASSERT_TRUE(config) << config.error().text();
        config_ = *config;
        auto pipeline = intake::Pipeline::open(config_);
        ASSERT_TRUE(pipeline) << pipeline.error().text();
        pipeline_ = std::move(*pipeline);
        ASSERT_TRUE(pipeline_->start(options_, ""));
        store_ = std::move(*queue::Store::open(options_));
        notifier_ = std::make_unique<Notifier>(*config_, *pipeline_, templates_);
    }

    Subject subject(const std::string& verp_delimiters, const std::vector<std::string>& recipients)
    {
        auto message =
            pipeline_->begin({.origin = queue::Origin::Smtpd, .context = intake::RewriteContext::Local, .client = {}});
        EXPECT_TRUE(message);
        message->envelope().sender = "ann@here.test";
        message->envelope().verp_delimiters = verp_delimiters;
        for (const std::string& recipient : recipients)
            message->envelope().recipients.push_back({.address = recipient, .original = {}, .dsn_orcpt = {}});
        message->add_lines("Subject: s\r\n\r\ntext\r\n");
        auto finished = net::run_until_done(message->finish());
        EXPECT_TRUE(finished) << finished.error().text;
        EXPECT_THAT(committed(), testing::SizeIs(1));
        Subject made{.queue_id = finished->queue_id(), .sender = "ann@here.test", .message = {}, .records = {}};
        made.message = *queue::Reader(options_).open(finished->ref);
        for (const std::string& recipient : recipients) {
            dsn::DeliveryRecord record;
            record.recipient = recipient;
            record.action = "failed";
            record.code = "5.1.1";
            made.records.push_back(record);
        }
        return made;
    }

    // Who got the messages that were committed since the last call.
    std::vector<std::string> committed()
    {
        std::vector<std::string> recipients;
        const auto found = store_->next(100);
        EXPECT_TRUE(found);
        for (const queue::LoadedMessage& message : *found)
            recipients.push_back(message.envelope.recipients.at(0).address);
        return recipients;
    }

    queue::QueueOptions options_;
    dsn::NotificationTemplates templates_;
    std::shared_ptr<const config::Config> config_;
    std::unique_ptr<intake::Pipeline> pipeline_;
    std::unique_ptr<queue::Store> store_;
    std::unique_ptr<Notifier> notifier_;
};

TEST_F(NotifierTest, AReportIsMadeOnceWhetherOrNotThePostmasterCanHaveACopy)
{
    open("notify_classes = bounce delay\nbounce_notice_recipient = chief@far.test\n"
         "delay_notice_recipient = chief@far.test\n",
         {"ann@here.test", "bob@there.test"});
    const Subject about = subject("", {"bob@there.test"});
    EXPECT_TRUE(net::run_until_done(notifier_->failure(about)));
    EXPECT_THAT(committed(), ElementsAre("ann@here.test"));
    EXPECT_TRUE(net::run_until_done(notifier_->delay(about)));
    EXPECT_THAT(committed(), ElementsAre("ann@here.test"));
}

TEST_F(NotifierTest, NoVerpSenderGetsAReportAgainBecauseAnotherOneCannotBeMade)
{
    open("notify_classes =\n", {"bob@there.test", "cee@there.test", "dee@there.test", "ann+bob-there.test@here.test",
                                "ann+dee-there.test@here.test"});
    const Subject about = subject("+-", {"bob@there.test", "cee@there.test", "dee@there.test"});
    EXPECT_FALSE(net::run_until_done(notifier_->failure(about)));
    EXPECT_THAT(committed(), ElementsAre("ann+bob-there.test@here.test"));
    EXPECT_FALSE(net::run_until_done(notifier_->failure(about)));
    EXPECT_THAT(committed(), IsEmpty());
}

TEST_F(NotifierTest, TroubleWithAPostmasterNotificationMakesNoOtherOne)
{
    open("notify_classes = protocol\nerror_notice_recipient = chief@there.test\n", {"chief@there.test"});
    Incident incident{.error_class = "protocol", .subject = "SMTP client: errors", .text = "no\n", .sender = {}};
    incident.sender = "double-bounce@mail.test";
    EXPECT_TRUE(net::run_until_done(notifier_->incident(incident)));
    EXPECT_THAT(committed(), IsEmpty());
    incident.sender = "ann@here.test";
    EXPECT_TRUE(net::run_until_done(notifier_->incident(incident)));
    EXPECT_THAT(committed(), ElementsAre("chief@there.test"));
}

}  // namespace
}  // namespace posthaste::bounce
