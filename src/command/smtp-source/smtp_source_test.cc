#include "command/smtp-source/content.h"
#include "command/smtp-source/reply.h"

#include <gtest/gtest.h>

namespace posthaste::command::smtp_source {
namespace {

TEST(SmtpSourceContent, HasTheLengthThatWasAskedFor)
{
    EXPECT_EQ(text_of_length(10), std::string(10, 'X') + "\r\n");
    EXPECT_EQ(text_of_length(80), std::string(80, 'X') + "\r\n");
    EXPECT_EQ(text_of_length(85), "1" + std::string(77, 'X') + "\r\nXXXXX\r\n");
    EXPECT_EQ(text_of_length(1), "X\r\n");
    EXPECT_EQ(text_of_length(4096).size(), 4098U);
    EXPECT_EQ(text_of_length(4096).substr(800, 2), "1X");
    EXPECT_EQ(text_of_length(1'000'000).size(), 1'000'002U);
}

TEST(SmtpSourceContent, DoublesDotsOfAFile)
{
    EXPECT_EQ(wire_form("Subject: x\n\n.dot\n..\nend"), "Subject: x\r\n\r\n..dot\r\n...\r\nend\r\n");
    EXPECT_EQ(wire_form(""), "");
}

TEST(SmtpSourceContent, CarriesItsIdWhenThereIsALedger)
{
    Options options;
    options.sender = "a@x";
    options.recipient = "b@x";
    options.hostname = "h.test";
    options.subject = "hello";
    std::string header;
    Result<Content> content = Content::make(options);
    ASSERT_TRUE(content);
    content->append_header(header, 7, 0);
    EXPECT_TRUE(header.starts_with("From: <a@x>\r\nTo: <b@x>\r\nDate: ")) << header;
    EXPECT_TRUE(header.ends_with("-7@h.test>\r\nSubject: hello\r\n\r\n")) << header;
    EXPECT_TRUE(content->body().ends_with("\r\n.\r\n"));

    options.ledger = "x";
    header.clear();
    content->append_header(header, 7, 0);
    EXPECT_TRUE(header.starts_with("X-Posthaste-Id: " + content->id(7) + "\r\n")) << header;
}

TEST(SmtpSourceReply, TakesAllLinesOfAReply)
{
    EXPECT_FALSE(scan_reply("250-a\r\n250 b"));
    auto reply = scan_reply("250-a\r\n250-PIPELINING\r\n250 SIZE 10\r\n354 go\r\n");
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->code, 250);
    EXPECT_EQ(reply->size, 36U);
    EXPECT_TRUE(announces(reply->text, "pipelining"));
    EXPECT_TRUE(announces(reply->text, "size"));
    EXPECT_FALSE(announces(reply->text, "DSN"));
    EXPECT_EQ(last_line(reply->text), "250 SIZE 10");
    EXPECT_EQ(scan_reply("hello\r\n")->code, 0);
    EXPECT_EQ(scan_reply("\r\n")->code, 0);
}

}  // namespace
}  // namespace posthaste::command::smtp_source
