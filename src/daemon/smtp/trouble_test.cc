#include "daemon/smtp/trouble.h"

#include <gtest/gtest.h>

namespace posthaste::smtp_client {
namespace {

Target mx() { return {.host = "mx.test", .address = *net::Endpoint::ip("192.0.2.1", 25)}; }

smtp::PeerReply reply(std::string text)
{
    std::size_t used = 0;
    return **smtp::take_reply(text + "\r\n", used);
}

TEST(Trouble, PermanentAndTemporaryReplies)
{
    dsn::Outcome gone = said(mx(), reply("550 5.1.1 no such user"), "RCPT TO");
    EXPECT_EQ(gone.action, dsn::Action::Bounced);
    EXPECT_EQ(gone.code.text(), "5.1.1");
    EXPECT_EQ(gone.text, "host mx.test[192.0.2.1] said: 550 5.1.1 no such user (in reply to RCPT TO command)");
    EXPECT_EQ(gone.relay, "mx.test[192.0.2.1]:25");
    EXPECT_EQ(gone.remote_mta, "mx.test");
    EXPECT_EQ(gone.diagnostic, "550 5.1.1 no such user");
    dsn::Outcome later = said(mx(), reply("451 later"), "MAIL FROM");
    EXPECT_EQ(later.action, dsn::Action::Deferred);
    EXPECT_EQ(later.code.text(), "4.0.0");
}

TEST(Trouble, WhatIsNeitherYesNorNoIsDeferred)
{
    dsn::Outcome odd = said(mx(), reply("354 go on"), "RCPT TO");
    EXPECT_EQ(odd.action, dsn::Action::Deferred);
    EXPECT_EQ(odd.code.text(), "4.5.0");
}

TEST(Trouble, BrokenConversations)
{
    EXPECT_EQ(broken(mx(), Error(ErrorKind::Timeout, "x"), "sending MAIL FROM").text,
              "conversation with mx.test[192.0.2.1] timed out while sending MAIL FROM");
    EXPECT_EQ(broken(mx(), Error(ErrorKind::Closed, "x"), "sending MAIL FROM").text,
              "lost connection with mx.test[192.0.2.1] while sending MAIL FROM");
}

TEST(Trouble, TableThatDoesNotAnswerIsNobodysFault)
{
    dsn::Outcome local = broken(mx(), Error(ErrorKind::Temporary, "hash:x"), "sending RCPT TO");
    EXPECT_EQ(local.action, dsn::Action::Deferred);
    EXPECT_EQ(local.code.text(), "4.3.0");
    EXPECT_EQ(local.text, "local data error while talking to mx.test[192.0.2.1]");
}

TEST(Trouble, ConnectionsThatCannotBeMade)
{
    Error error = Error::system(ECONNREFUSED, "connect to 192.0.2.1:25");
    EXPECT_EQ(not_connected(mx(), error).text, "connect to mx.test[192.0.2.1]:25: Connection refused");
    EXPECT_EQ(not_connected(mx(), error).relay, "none");
    EXPECT_EQ(not_connected(mx(), Error(ErrorKind::Timeout, "timed out")).text,
              "connect to mx.test[192.0.2.1]:25: Connection timed out");
}

}  // namespace
}  // namespace posthaste::smtp_client
