#include "smtp/client_commands.h"
#include "smtp/client_content.h"
#include "smtp/client_reply.h"

#include <gtest/gtest.h>

namespace posthaste::smtp {
namespace {

TEST(ClientReply, OneLine)
{
    std::size_t used = 0;
    auto reply = take_reply("550 5.1.1 <x@y>: no such user\r\n250 next\r\n", used);
    ASSERT_TRUE(reply && *reply);
    EXPECT_EQ((*reply)->code, 550);
    EXPECT_EQ((*reply)->enhanced_code, "5.1.1");
    EXPECT_EQ((*reply)->text, "550 5.1.1 <x@y>: no such user");
    EXPECT_EQ(used, 31U);
}

TEST(ClientReply, ManyLinesAreJoinedWithTheirCodes)
{
    std::size_t used = 0;
    auto reply = take_reply("550-5.1.1 The account\r\n550-5.1.1 does not exist.\r\n550 5.1.1 Learn more\r\n", used);
    ASSERT_TRUE(reply && *reply);
    EXPECT_EQ((*reply)->text, "550-5.1.1 The account 550-5.1.1 does not exist. 550 5.1.1 Learn more");
    EXPECT_EQ((*reply)->first_line, "5.1.1 The account");
}

TEST(ClientReply, WaitsForTheLastLine)
{
    std::size_t used = 7;
    for (std::string_view text : {"", "2", "250", "250 ok", "250-one\r\n", "250-one\r\n250"}) {
        auto reply = take_reply(text, used);
        ASSERT_TRUE(reply) << text;
        EXPECT_FALSE(*reply) << text;
        EXPECT_EQ(used, 0U);
    }
}

TEST(ClientReply, BareCodeAndBareNewlineAreTaken)
{
    std::size_t used = 0;
    auto reply = take_reply("354\n", used);
    ASSERT_TRUE(reply && *reply);
    EXPECT_EQ((*reply)->code, 354);
    EXPECT_TRUE((*reply)->is_intermediate());
}

TEST(ClientReply, RefusesWhatIsNoReply)
{
    std::size_t used = 0;
    for (std::string_view text : {"hello\r\n", "25 ok\r\n", "150 ok\r\n", "250+ok\r\n", "\r\n", "HTTP/1.1 400 Bad\r\n"})
        EXPECT_FALSE(take_reply(text, used)) << text;
    EXPECT_EQ(take_reply(std::string(30000, 'x'), used).error().kind(), ErrorKind::Limit);
    std::string endless;
    for (int i = 0; i < 200; ++i)
        endless += "250-x\r\n";
    EXPECT_EQ(take_reply(endless, used).error().kind(), ErrorKind::Limit);
}

TEST(ClientReply, EnhancedCodeMustFitTheCode)
{
    std::size_t used = 0;
    for (std::string_view text :
         {"450 5.1.1 x\r\n", "550 5.1 x\r\n", "550 5.1.1111 x\r\n", "550 5..1 x\r\n", "550 5.1.1x\r\n", "550 x\r\n"})
        EXPECT_EQ((*take_reply(text, used))->enhanced_code, "") << text;
}

TEST(ClientExtensions, ReadsWhatIsOffered)
{
    PeerExtensions peer = parse_extensions(
        "250-mx.test\r\n250-PIPELINING\r\n250-size 1000\r\n250-AUTH=LOGIN\r\n250-XFORWARD NAME ADDR\r\n250 DSN\r\n",
        {});
    EXPECT_TRUE(peer.offered.has(Extension::Pipelining));
    EXPECT_TRUE(peer.offered.has(Extension::Auth));
    EXPECT_TRUE(peer.offered.has(Extension::Dsn));
    EXPECT_FALSE(peer.offered.has(Extension::EightBitMime));
    EXPECT_EQ(peer.size_limit, 1000U);
    EXPECT_EQ(peer.xforward, " NAME ADDR");
}

TEST(ClientExtensions, SuppressedAndFirstLineDoNotCount)
{
    PeerExtensions peer = parse_extensions("250-PIPELINING\r\n250-DSN\r\n250 SIZE\r\n", {Extension::Dsn});
    EXPECT_FALSE(peer.offered.has(Extension::Pipelining));
    EXPECT_FALSE(peer.offered.has(Extension::Dsn));
    EXPECT_TRUE(peer.offered.has(Extension::Size));
}

TEST(ClientCommands, OnlyWhatIsOfferedIsSent)
{
    PeerExtensions nothing;
    PeerExtensions all;
    for (Extension e : {Extension::Size, Extension::EightBitMime, Extension::Smtputf8, Extension::Dsn})
        all.offered.add(e);
    MailCommand mail{
        .sender = "a@b", .size = 10, .eight_bit = true, .smtputf8 = true, .ret = Return::Full, .envid = "x y"};
    RcptCommand rcpt{.recipient = "c@d", .notify = notify_success | notify_failure, .orcpt = "rfc822;e+f@g"};
    std::string text;
    append_mail(text, mail, nothing);
    append_rcpt(text, rcpt, nothing);
    EXPECT_EQ(text, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n");
    text.clear();
    append_mail(text, mail, all);
    append_rcpt(text, rcpt, all);
    EXPECT_EQ(text, "MAIL FROM:<a@b> SIZE=10 BODY=8BITMIME SMTPUTF8 ENVID=x+20y RET=FULL\r\n"
                    "RCPT TO:<c@d> ORCPT=rfc822;e+2Bf@g NOTIFY=SUCCESS,FAILURE\r\n");
}

TEST(ClientCommands, AnOriginalRecipientInUtf8NeedsSmtputf8)
{
    PeerExtensions peer;
    peer.offered.add(Extension::Dsn);
    const RcptCommand rcpt{.recipient = "c@d", .notify = 0, .orcpt = "utf-8;j\u00fcrgen@d"};
    std::string text;
    append_rcpt(text, rcpt, peer);
    EXPECT_EQ(text, "RCPT TO:<c@d>\r\n");
    text.clear();
    peer.offered.add(Extension::Smtputf8);
    append_rcpt(text, rcpt, peer);
    EXPECT_EQ(text, "RCPT TO:<c@d> ORCPT=utf-8;j\u00fcrgen@d\r\n");
}

TEST(ClientCommands, XforwardSaysWhatIsOfferedAndKnown)
{
    PeerExtensions peer;
    peer.xforward = " NAME ADDR HELO SOURCE";
    XforwardCommand command{.name = "unknown", .address = "192.0.2.1", .port = "25", .helo = "a b", .local = false};
    std::string text;
    append_xforward(text, command, XforwardPart::Client, peer);
    append_xforward(text, command, XforwardPart::Session, peer);
    EXPECT_EQ(text, "XFORWARD NAME=[UNAVAILABLE] ADDR=192.0.2.1\r\nXFORWARD HELO=a+20b SOURCE=REMOTE\r\n");
    text.clear();
    append_xforward(text, command, XforwardPart::Client, {});
    EXPECT_EQ(text, "");
}

std::string encoded(std::string_view content, std::size_t limit, std::size_t piece)
{
    ContentEncoder encoder(content, limit);
    std::string out;
    while (encoder.next(out, piece)) {
    }
    return out;
}

TEST(ClientContent, DotsAreDoubled)
{
    for (std::size_t piece : {1U, 3U, 1000U})
        EXPECT_EQ(encoded(".a\r\n..\r\nb.\r\n.\r\n", 0, piece), "..a\r\n...\r\nb.\r\n..\r\n");
}

TEST(ClientContent, LongLinesAreFolded)
{
    for (std::size_t piece : {1U, 1000U}) {
        EXPECT_EQ(encoded("abcdefgh\r\nxy\r\n", 4, piece), "abcd\r\n efg\r\n h\r\nxy\r\n");
        EXPECT_EQ(encoded("abcd\r\n", 4, piece), "abcd\r\n");
        EXPECT_EQ(encoded("ab.d.fgh\r\n", 4, piece), "ab.d\r\n .fg\r\n h\r\n");
    }
}

}  // namespace
}  // namespace posthaste::smtp
