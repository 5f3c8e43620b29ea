#include "intake/pipeline.h"

#include "net/tasks.h"
#include "queue/reader.h"

#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::intake {
namespace {

class PipelineTest : public testing::Test {
protected:
    void SetUp() override
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "intake.XXXXXX").string();
        directory_ = ::mkdtemp(pattern.data());
        std::filesystem::create_directory(directory_ + "/incoming");
    }
    void TearDown() override
    {
        pipeline_.reset();
        std::filesystem::remove_all(directory_);
    }
    void open(const std::string& settings)
    {
        std::ofstream main_cf(directory_ + "/main.cf");
        auto config = config::load_text("compatibility_level = 3.6\nmyhostname = mail.here.test\nmyorigin = here.test\n"
                                        "mydestination = here.test\n" +
                                            settings,
                                        "main.cf", {.config_directory = directory_});
        ASSERT_TRUE(config) << config.error().text();
        auto opened = Pipeline::open(*config);
        ASSERT_TRUE(opened) << opened.error().text();
        pipeline_ = std::move(*opened);
        queue::QueueOptions options;
        options.directory = directory_;
        options.segment_size = 1 << 20;
        auto started = pipeline_->start(options, "");
        ASSERT_TRUE(started) << started.error().text();
    }
    Message begin(RewriteContext context = RewriteContext::Local)
    {
        auto message = pipeline_->begin({.origin = queue::Origin::Smtpd, .context = context, .client = {}});
        EXPECT_TRUE(message);
        message->envelope().sender = "joe";
        message->envelope().recipients.push_back({.address = "ann@there.test", .original = {}, .dsn_orcpt = {}});
        return std::move(*message);
    }
    queue::StoredMessage finish(Message message)
    {
        auto finished = net::run_until_done(message.finish());
        EXPECT_TRUE(finished) << finished.error().reply();
        queue::QueueOptions options;
        options.directory = directory_;
        queue::Reader reader(options);
        auto stored = reader.open(finished->ref);
        EXPECT_TRUE(stored) << stored.error().text();
        return *stored;
    }
    std::vector<std::string> addresses(const queue::StoredMessage& message)
    {
        std::vector<std::string> list;
        for (const auto& recipient : message.envelope().recipients)
            list.push_back(recipient.address + (recipient.original.empty() ? "" : " from " + recipient.original));
        return list;
    }

    std::string directory_;
    std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(PipelineTest, StoresARemoteMessageUnchanged)
{
    open("");
    std::string content = "Subject: s\r\nTo: joe\r\n\r\n.dot\r\nbody\r\n";
    Message message = begin(RewriteContext::Remote);
    message.add_own_headers("Received: from a\r\n\tby b\r\n");
    message.add_lines(content);
    auto stored = finish(std::move(message));
    EXPECT_EQ(stored.content(), "Received: from a\r\n\tby b\r\n" + content);
    EXPECT_EQ(stored.envelope().sender, "joe@here.test");
    EXPECT_EQ(stored.envelope().hop_count, 1U);
    EXPECT_TRUE(stored.facts().dot_lines);
    EXPECT_EQ(stored.facts().header_size, stored.content().find("\r\n\r\n") + 4);
}

TEST_F(PipelineTest, CompletesALocalMessage)
{
    open("");
    Message message = begin();
    message.add_lines("Subject: s\r\nTo: ann\r\n\r\nbody\r\n");
    std::string id = message.queue_id();
    auto stored = finish(std::move(message));
    std::string content(stored.content());
    EXPECT_TRUE(content.starts_with("Subject: s\r\nTo: ann@here.test\r\nMessage-Id: <")) << content;
    EXPECT_NE(content.find("." + id + "@mail.here.test>\r\nDate: "), std::string::npos);
    EXPECT_TRUE(content.ends_with("\r\nFrom: joe@here.test\r\n\r\nbody\r\n")) << content;
    EXPECT_TRUE(stored.envelope().message_id.ends_with("@mail.here.test>"));
}

TEST_F(PipelineTest, PutsAnEmptyLineBeforeABodyWithoutHeader)
{
    open("");
    Message message = begin(RewriteContext::Remote);
    message.add_lines("no header\r\nbody\r\n");
    EXPECT_EQ(finish(std::move(message)).content(), "\r\nno header\r\nbody\r\n");
}

TEST_F(PipelineTest, RefusesTheOversizedAndTheLooping)
{
    open("message_size_limit = 1000\nhopcount_limit = 3\n");
    Message big = begin();
    big.add_lines("Subject: s\r\n\r\n");
    big.add_lines(std::string(1100, 'x') + "\r\n");
    EXPECT_TRUE(big.failed());
    auto refused = net::run_until_done(big.finish());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reply(), "552 5.3.4 Error: message file too big");
    EXPECT_EQ(refused.error().fault, Rejection::Fault::Message);

    Message looping = begin();
    for (int i = 0; i < 4; ++i)
        looping.add_lines("Received: x\r\n");
    looping.add_lines("\r\n");
    refused = net::run_until_done(looping.finish());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reply(), "554 5.4.0 Error: too many hops");
}

TEST_F(PipelineTest, ExpandsVirtualAliasesAndRemovesDuplicates)
{
    open("virtual_alias_maps = inline:{ {two@here.test=ann bob@there.test} {ann@here.test=ann@here.test, eve} "
         "{one@here.test = two} }\nalways_bcc = archive\n");
    Message message = begin();
    message.envelope().recipients = {{.address = "one", .original = {}, .dsn_orcpt = {}},
                                     {.address = "ann@here.test", .original = {}, .dsn_orcpt = {}},
                                     {.address = "ANN@here.test", .original = {}, .dsn_orcpt = {}}};
    message.add_lines("\r\n");
    EXPECT_THAT(addresses(finish(std::move(message))),
                testing::ElementsAre("ann@here.test from one", "eve@here.test from one", "bob@there.test from one",
                                     "ann@here.test", "eve@here.test from ann@here.test", "archive@here.test"));
}

TEST_F(PipelineTest, KeepsAMessageWaitingWhenAnAliasGrowsWithoutEnd)
{
    open("virtual_alias_maps = pcre:" + directory_ + "/grow\n");
    {
        std::ofstream(directory_ + "/grow") << "/^(.*)@here.test$/ x$1@here.test, y$1@here.test\n";
    }
    pipeline_.reset();
    open("virtual_alias_maps = pcre:" + directory_ + "/grow\n");
    Message message = begin();
    message.envelope().recipients = {{.address = "ann@here.test", .original = {}, .dsn_orcpt = {}}};
    message.add_lines("\r\n");
    auto refused = net::run_until_done(message.finish());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reply(), "451 4.6.0 Alias expansion error");
}

TEST_F(PipelineTest, TakesNoAliasThatItCannotUnderstandForNoAlias)
{
    open("virtual_alias_maps = inline:{ {ann@here.test=,} }\n");
    Message message = begin();
    message.envelope().recipients = {{.address = "ann@here.test", .original = {}, .dsn_orcpt = {}}};
    message.add_lines("\r\n");
    auto refused = net::run_until_done(message.finish());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reply(), "451 4.6.0 Alias expansion error");
}

// unix: tables answer later, from another thread.
TEST_F(PipelineTest, KeepsWhatComesWhileTablesAreAsked)
{
    open("canonical_maps = unix:passwd.byname, inline:{ {ann@here.test=\"a n\"@there.test} "
         "{joe@here.test=j@there.test} }\n");
    Message message = begin();
    message.add_own_headers("Received: x\r\n");
    message.add_lines("Subject: s\r\nTo: \"Ann, too\" <ann>,\r\n");
    EXPECT_FALSE(message.unsettled());
    message.add_lines(" joe (cmt), bob@far.test\r\n\r\nbody\r\n");
    EXPECT_TRUE(message.unsettled());
    message.add_lines("more\r\n");
    net::run_until_done(message.settle());
    EXPECT_FALSE(message.unsettled());
    message.add_lines("end\r\n");
    auto stored = finish(std::move(message));
    std::string content(stored.content());
    EXPECT_TRUE(content.starts_with("Received: x\r\nSubject: s\r\nTo: \"Ann, too\" <\"a n\"@there.test>,\r\n"
                                    " j@there.test (cmt), bob@far.test\r\nMessage-Id: <"))
        << content;
    EXPECT_TRUE(content.ends_with("\r\nFrom: j@there.test\r\n\r\nbody\r\nmore\r\nend\r\n")) << content;
    EXPECT_EQ(stored.envelope().sender, "j@there.test");
    EXPECT_EQ(stored.facts().header_size, content.find("\r\n\r\n") + 4);
}

TEST_F(PipelineTest, AsksTablesAlsoWhereNobodySettles)
{
    open("canonical_maps = inline:{ ann@here.test=a@there.test }\n");
    for (std::string_view content : {"To: ann\r\n\r\nbody\r\n", "To: ann\r\n"}) {
        Message message = begin();
        message.add_lines(content);
        EXPECT_TRUE(std::string(finish(std::move(message)).content()).starts_with("To: a@there.test\r\n"));
    }
}

TEST_F(PipelineTest, BoundsWhatItKeepsForTables)
{
    open("message_size_limit = 1000\ncanonical_maps = inline:{ ann@here.test=a@there.test }\n");
    Message header = begin();
    for (int line = 0; line < 30; ++line)
        header.add_lines("X: " + std::string(60, 'x') + "\r\n");
    EXPECT_TRUE(header.failed());
    Message body = begin();
    body.add_lines("To: ann\r\n\r\n");
    for (int line = 0; line < 30; ++line)
        body.add_lines(std::string(60, 'x') + "\r\n");
    EXPECT_TRUE(body.failed());
    auto refused = net::run_until_done(body.finish());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reply(), "552 5.3.4 Error: message file too big");
}

TEST_F(PipelineTest, KeepsAMessageWaitingWhenACanonicalTableFails)
{
    for (std::string_view place : {"envelope_sender", "envelope_recipient", "header_recipient"}) {
        pipeline_.reset();
        open("canonical_maps = fail:broken\ncanonical_classes = " + std::string(place) + "\n");
        Message message = begin();
        message.add_lines("To: ann\r\n\r\nbody\r\n");
        auto refused = net::run_until_done(message.finish());
        ASSERT_FALSE(refused) << place;
        EXPECT_EQ(refused.error().reply(), "451 4.3.0 Error: queue file write error");
        EXPECT_EQ(refused.error().fault, Rejection::Fault::System);
    }
}

TEST_F(PipelineTest, AsksNoTableWhereAddressesAreFinal)
{
    open("canonical_maps = fail:broken\nrecipient_bcc_maps = fail:broken\nmasquerade_domains = test\n");
    auto begun = pipeline_->begin(
        {.origin = queue::Origin::Smtpd, .context = RewriteContext::Local, .client = {}, .map_addresses = false});
    ASSERT_TRUE(begun);
    begun->envelope().sender = "joe";
    begun->envelope().recipients.push_back({.address = "ann@sub.test", .original = {}, .dsn_orcpt = {}});
    begun->add_lines("To: ann\r\n\r\n");
    auto stored = finish(std::move(*begun));
    EXPECT_TRUE(std::string(stored.content()).starts_with("To: ann@here.test\r\n"));
    EXPECT_THAT(addresses(stored), testing::ElementsAre("ann@sub.test"));
}

TEST_F(PipelineTest, RefusesLineBreaksInAddresses)
{
    open("");
    for (std::string_view address : {"ann@there.test>\r\nRCPT TO:<x", "a\tb@there.test", "a\x7f@there.test"}) {
        Message message = begin();
        message.envelope().recipients[0].address = address;
        message.add_lines("\r\n");
        auto refused = net::run_until_done(message.finish());
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().reply(), "501 5.1.3 Error: bad address syntax");
    }
}

TEST_F(PipelineTest, BelievesTheHeaderThatSaysEightBit)
{
    open("");
    Message message = begin();
    message.add_lines("Content-Transfer-Encoding: 8BIT\r\n\r\n\xc3\xa4\r\n");
    auto stored = finish(std::move(message));
    EXPECT_EQ(stored.envelope().encoding, queue::BodyEncoding::EightBit);
    open("detect_8bit_encoding_header = no\n");
    Message other = begin();
    other.add_lines("Content-Transfer-Encoding: 8BIT\r\n\r\n\xc3\xa4\r\n");
    EXPECT_NE(finish(std::move(other)).envelope().encoding, queue::BodyEncoding::EightBit);
}

TEST_F(PipelineTest, AddsMissingHeadersToRemoteMailWhenToldTo)
{
    open("always_add_missing_headers = yes\n");
    Message message = begin(RewriteContext::Remote);
    message.add_lines("Subject: s\r\n\r\nbody\r\n");
    EXPECT_NE(finish(std::move(message)).content().find("\r\nMessage-Id: <"), std::string::npos);
}

TEST_F(PipelineTest, LeavesStrayLineEndsAloneWhenToldTo)
{
    open("cleanup_replace_stray_cr_lf = no\n");
    Message message = begin(RewriteContext::Remote);
    message.add_lines("Subject: s\r\n\r\na\rb\r\n");
    EXPECT_TRUE(finish(std::move(message)).content().ends_with("a\rb\r\n"));
}

TEST_F(PipelineTest, EncodesFullNamesInTheirCharset)
{
    open("full_name_encoding_charset = iso-8859-1\n");
    Message message = begin();
    message.envelope().sender_full_name = "J\xf6rg";
    message.add_lines("Subject: s\r\n\r\nbody\r\n");
    EXPECT_NE(finish(std::move(message)).content().find("From: =?iso-8859-1?Q?J=F6rg?= <joe@here.test>"),
              std::string::npos);
}

TEST_F(PipelineTest, LooksAtAsManyTokensOfAHeaderAsItsLimitSays)
{
    open("header_address_token_limit = 4\n");
    Message message = begin();
    message.add_lines("To: ann, bob, cee, dee, eve, fay, gus, hal\r\n\r\nbody\r\n");
    std::string content(finish(std::move(message)).content());
    EXPECT_NE(content.find("ann@here.test"), std::string::npos) << content;
    EXPECT_EQ(content.find("hal@here.test"), std::string::npos) << content;
}

TEST_F(PipelineTest, CutsHeadersAtTheirLimit)
{
    open("header_size_limit = 100\n");
    Message message = begin();
    message.add_lines("Subject: " + std::string(80, 'x') + "\r\n " + std::string(80, 'y') + "\r\n " +
                      std::string(80, 'z') + "\r\n\r\nbody\r\n");
    std::string content(finish(std::move(message)).content());
    EXPECT_NE(content.find('x'), std::string::npos);
    EXPECT_EQ(content.find('z'), std::string::npos) << content;
}

TEST_F(PipelineTest, AnswersTemporarilyWhenATableCannotBeRead)
{
    open("virtual_alias_maps = texthash:" + directory_ + "/missing\n");
    Message message = begin();
    message.add_lines("\r\n");
    auto refused = net::run_until_done(message.finish());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().smtp_code, 451);
    EXPECT_EQ(refused.error().fault, Rejection::Fault::System);
}

TEST_F(PipelineTest, HeaderChecksComeBeforeRewritingAndMissingHeaders)
{
    open("mime_header_checks =\nheader_checks = regexp:{{/^From: x/ REPLACE From: new} {/^X-Id/ REPLACE Message-Id: "
         "<a@b.test>} "
         "{/^Cc:/ PREPEND Cc: bare} {/^X-Gone/ IGNORE}}\n");
    Message message = begin();
    message.add_own_headers("Received: by test\r\n");
    message.add_lines("From: x\r\nCc: ann\r\nX-Gone: a\r\n b\r\nDate: d\r\nX-Id: 1\r\n\r\nbody\r\n");
    EXPECT_EQ(finish(std::move(message)).content(),
              "Received: by test\r\nFrom: new@here.test\r\nCc: bare\r\nCc: ann@here.test\r\nDate: d\r\n"
              "Message-Id: <a@b.test>\r\n\r\nbody\r\n");
}

TEST_F(PipelineTest, ContentThatIsRejectedIsRefusedWithTheCodeOfTheRule)
{
    open("header_checks = regexp:{{/five/ REJECT 5.9.9 not that} {/four/ REJECT 4.7.1 later} {/plain/ REJECT}}\n");
    auto reply = [this](const std::string& subject) {
        Message message = begin();
        message.add_lines("Subject: " + subject + "\r\n\r\nbody\r\n");
        auto refused = net::run_until_done(message.finish());
        return refused ? std::string("accepted") : refused.error().reply();
    };
    EXPECT_EQ(reply("five"), "550 5.9.9 not that");
    EXPECT_EQ(reply("four"), "451 4.7.1 later");
    EXPECT_EQ(reply("plain"), "550 5.7.1 message content rejected");
    EXPECT_EQ(reply("other"), "accepted");
}

TEST_F(PipelineTest, AMessageOnHoldIsInTheHoldQueueWhateverItsSize)
{
    open("body_checks = regexp:{{/hold/ HOLD}}\n");
    for (std::size_t size : {std::size_t{10}, std::size_t{300'000}}) {
        Message message = begin();
        message.add_lines("Subject: s\r\n\r\nhold\r\n" + std::string(size, 'x') + "\r\n");
        auto stored = finish(std::move(message));
        EXPECT_TRUE(std::filesystem::exists(directory_ + "/hold/" + stored.envelope().queue_id));
        EXPECT_FALSE(std::filesystem::exists(directory_ + "/incoming/" + stored.envelope().queue_id));
    }
}

TEST_F(PipelineTest, ADiscardedMessageIsAcceptedAndLeavesNothing)
{
    open("body_checks = regexp:{{/bad/ DISCARD}}\n");
    Message message = begin();
    message.add_lines("Subject: s\r\n\r\nbad\r\n" + std::string(300'000, 'x') + "\r\n");
    auto finished = net::run_until_done(message.finish());
    ASSERT_TRUE(finished);
    EXPECT_FALSE(finished->queue_id().empty());
    EXPECT_TRUE(std::filesystem::is_empty(directory_ + "/incoming"));
}

TEST_F(PipelineTest, RulesSendAMessageElsewhere)
{
    open("header_checks = regexp:{{/filter/ FILTER smtp:[10.0.0.1]} {/copy/ BCC copy@there.test} {/redirect/ REDIRECT "
         "e@there.test}}\n");
    Message message = begin();
    message.add_lines("X-1: filter\r\n\r\n");
    EXPECT_EQ(finish(std::move(message)).envelope().filter, "smtp:[10.0.0.1]");
    message = begin();
    message.add_lines("X-1: filter\r\nX-2: copy\r\nX-3: redirect\r\n\r\n");
    auto stored = finish(std::move(message));
    EXPECT_EQ(stored.envelope().filter, "");  // REDIRECT overrides FILTER
    EXPECT_THAT(addresses(stored), testing::ElementsAre("e@there.test from ann@there.test"));
}

TEST_F(PipelineTest, ACopyThatARuleWantsIsMadeOnceAndNobodyHearsOfIt)
{
    open("header_checks = regexp:{{/copy/ BCC copy@there.test}}\n");
    Message message = begin();
    message.add_lines("X-1: copy\r\nX-2: copy\r\n\r\n");
    auto stored = finish(std::move(message));
    EXPECT_THAT(addresses(stored), testing::ElementsAre("ann@there.test", "copy@there.test"));
    EXPECT_EQ(stored.envelope().recipients[1].notify, queue::notify_never);
}

TEST_F(PipelineTest, UnwantedCharactersAreRefusedOrRemoved)
{
    open("message_reject_characters = \\001\nmessage_strip_characters = \\002x\n");
    Message refused = begin();
    refused.add_lines("Subject: s\r\n\r\na\001b\r\n");
    auto result = net::run_until_done(refused.finish());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reply(), "550 5.7.1 disallowed character");
    Message stripped = begin(RewriteContext::Remote);
    stripped.add_lines("Subject: xs\002\r\n\r\nx\r\nb\r\n");
    EXPECT_EQ(finish(std::move(stripped)).content(), "Subject: s\r\n\r\n\r\nb\r\n");
    open("message_reject_characters = \\015\nmessage_strip_characters = \\012\n");  // not those that end lines
    Message whole = begin(RewriteContext::Remote);
    whole.add_lines("Subject: s\r\n\r\nb\r\n");
    EXPECT_EQ(finish(std::move(whole)).content(), "Subject: s\r\n\r\nb\r\n");
}

TEST_F(PipelineTest, AHeaderWithoutAnEmptyLineIsMendedMarkedOrRefused)
{
    const std::string lines = "Subject: s\r\nno header\r\nX-A: a\r\n";
    auto content = [&](const std::string& settings) {
        open(settings);
        Message message = begin(RewriteContext::Remote);
        message.add_lines(lines);
        return std::string(finish(std::move(message)).content());
    };
    EXPECT_EQ(content(""), "Subject: s\r\n\r\nno header\r\nX-A: a\r\n");
    EXPECT_EQ(content("non_empty_end_of_header_action = add_header\n"),
              "Subject: s\r\nMIME-Error: message header is not terminated by an empty line\r\n\r\n"
              "no header\r\nX-A: a\r\n");
    open("non_empty_end_of_header_action = reject\n");
    Message refused = begin();
    refused.add_lines(lines);
    auto result = net::run_until_done(refused.finish());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reply(), "550 5.6.0 message header is not terminated by an empty line");
}

TEST_F(PipelineTest, EightBitMailIsConvertedWhenThatIsForced)
{
    open("force_mime_input_conversion = yes\n");
    Message message = begin(RewriteContext::Remote);
    message.add_own_headers("Received: ours\r\n");
    message.add_lines("Content-Transfer-Encoding: 8bit\r\nSubject: s\r\n\r\n\xfc\r\n");
    EXPECT_EQ(finish(std::move(message)).content(),
              "Received: ours\r\nSubject: s\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=FC\r\n");
}

TEST_F(PipelineTest, WhatTheSystemMakesItselfIsNotInspected)
{
    open("header_checks = regexp:{{/./ REJECT}}\ninternal_mail_filter_classes = notify\n");
    auto accepts = [this](Source source) {
        auto message = pipeline_->begin(source);
        message->envelope().recipients.push_back({.address = "ann@there.test", .original = {}, .dsn_orcpt = {}});
        message->add_lines("Subject: s\r\n\r\n");
        return net::run_until_done(message->finish()).has_value();
    };
    EXPECT_FALSE(accepts({.origin = queue::Origin::Smtpd, .client = {}}));
    EXPECT_TRUE(accepts({.origin = queue::Origin::Smtpd, .client = {}, .inspect_content = false}));
    EXPECT_TRUE(accepts({.origin = queue::Origin::Bounce, .client = {}}));
    EXPECT_TRUE(accepts({.origin = queue::Origin::Forward, .client = {}}));
    EXPECT_FALSE(accepts({.origin = queue::Origin::Notify, .client = {}}));
}

TEST_F(PipelineTest, ARuleTableThatFailsKeepsTheMessageWaiting)
{
    open("body_checks = fail:broken\n");
    Message message = begin();
    message.add_lines("Subject: s\r\n\r\nbody\r\n");
    auto refused = net::run_until_done(message.finish());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reply(), "451 4.3.0 Error: queue file write error");
    EXPECT_EQ(refused.error().fault, Rejection::Fault::System);
}

}  // namespace
}  // namespace posthaste::intake
