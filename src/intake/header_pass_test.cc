#include "intake/header_pass.h"

#include "intake/missing_headers.h"
#include "intake/stray_line_ends.h"

#include <gtest/gtest.h>

namespace posthaste::intake {
namespace {

HeaderRules rules()
{
    HeaderRules made;
    made.drop = {"bcc", "content-length", "resent-bcc", "return-path"};
    made.size_limit = 200;
    made.canonical_form = [](std::string_view address, AddressRewriting) {
        std::string out(address);
        return out.find('@') == std::string::npos ? out + "@here.test" : out;
    };
    return made;
}

struct Passed {
    std::string stored;
    std::string rest;
    HeaderPass header;
};

Passed pass(std::string_view content, AddressRewriting rewriting, const HeaderRules& with)
{
    HeaderPass header(with, rewriting);
    std::string stored;
    std::size_t taken = header.feed(content, stored);
    return {stored, std::string(content.substr(taken)), std::move(header)};
}

TEST(HeaderPass, LeavesAnOrdinaryHeaderAsItIs)
{
    HeaderRules with = rules();
    std::string header =
        "Received: from a\r\n\tby b; date\r\nFrom : A <a>\r\nSubject:x\r\n  folded\r\nX-\xc3\xa4: no\r\n";
    auto result = pass(header.substr(0, header.find("X-")) + "\r\nbody\r\n", AddressRewriting::Off, with);
    EXPECT_EQ(result.stored, header.substr(0, header.find("X-")));
    EXPECT_EQ(result.rest, "body\r\n");
    EXPECT_EQ(result.header.end(), HeaderPass::End::EmptyLine);
    EXPECT_EQ(result.header.hops(), 1U);
    EXPECT_TRUE(result.header.seen(HeaderKind::From));
}

TEST(HeaderPass, CompletesAddressesAndKeepsEveryOtherByte)
{
    HeaderRules with = rules();
    auto result =
        pass("To: joe, x@y (cmt),\r\n \"Q r\" <sam>\r\nCc:  a b: <c@d>;\r\n\r\n", AddressRewriting::Local, with);
    EXPECT_EQ(result.stored, "To: joe@here.test, x@y (cmt),\r\n \"Q r\" <sam@here.test>\r\nCc:  a b: <c@d>;\r\n");
}

TEST(HeaderPass, WritesAddressesInTheirShortestForm)
{
    HeaderRules with = rules();
    auto result =
        pass("To: <@a.test:joe@x>, a..b@x, j . d @ x, ann(c)@x, ann eve\r\n\r\n", AddressRewriting::Local, with);
    EXPECT_EQ(result.stored, "To: <joe@x>, \"a..b\"@x, j.d@x, ann(c)@x, ann@here.test, eve@here.test\r\n");
}

TEST(HeaderPass, TellsWhereAddressesStand)
{
    HeaderRules with = rules();
    HeaderPass header(with, AddressRewriting::Local);
    std::vector<HeaderPlace> places;
    header.note_addresses(&places);
    std::string stored;
    header.feed("Subject: joe\r\nTo: joe,\r\n ann\r\nFrom: eve\r\n\r\n", stored);
    ASSERT_EQ(places.size(), 2U);
    EXPECT_EQ(stored.substr(places[0].begin, places[0].size), "To: joe@here.test,\r\n ann@here.test\r\n");
    EXPECT_EQ(places[0].role, HeaderRole::Recipient);
    EXPECT_EQ(stored.substr(places[1].begin, places[1].size), "From: eve@here.test\r\n");
    EXPECT_EQ(places[1].role, HeaderRole::Sender);
}

TEST(HeaderPass, LeavesOutDroppedHeadersWithTheirContinuations)
{
    HeaderRules with = rules();
    auto result = pass("BCC: a,\r\n b\r\nSubject: s\r\nReturn-Path: <x>\r\n\r\n", AddressRewriting::Local, with);
    EXPECT_EQ(result.stored, "Subject: s\r\n");
    EXPECT_TRUE(result.header.seen(HeaderKind::Bcc));
}

TEST(HeaderPass, FindsAFoldedMessageId)
{
    HeaderRules with = rules();
    auto result = pass("Message-ID:\r\n <a@b>\r\nSubject: s\r\n\r\n", AddressRewriting::Off, with);
    EXPECT_EQ(result.header.message_id(), "<a@b>");
    EXPECT_EQ(result.stored, "Message-ID:\r\n <a@b>\r\nSubject: s\r\n");
}

TEST(HeaderPass, BeginsTheBodyAtALineThatIsNoHeader)
{
    HeaderRules with = rules();
    auto result = pass("Subject: s\r\nno header here\r\nTo: x\r\n", AddressRewriting::Off, with);
    EXPECT_EQ(result.header.end(), HeaderPass::End::NotHeader);
    EXPECT_EQ(result.rest, "no header here\r\nTo: x\r\n");
}

TEST(HeaderPass, DoesNotTakeTheFirstLineForAContinuationOfOurHeaders)
{
    HeaderRules with = rules();
    HeaderPass header(with, AddressRewriting::Off);
    std::string stored;
    header.feed("Received: by us\r\n\tid x\r\n", stored);
    header.separate(stored);
    EXPECT_EQ(header.feed(" sneaky\r\n", stored), 0U);
    EXPECT_EQ(header.end(), HeaderPass::End::NotHeader);
    EXPECT_EQ(stored, "Received: by us\r\n\tid x\r\n");
}

TEST(HeaderPass, LeavesOutAMailboxSeparatorBeforeTheFirstHeader)
{
    HeaderRules with = rules();
    auto result = pass("From someone Mon\r\nSubject: s\r\n\r\n", AddressRewriting::Off, with);
    EXPECT_EQ(result.stored, "Subject: s\r\n");
}

TEST(HeaderPass, CutsAHeaderAtItsSizeLimit)
{
    HeaderRules with = rules();
    auto result = pass("X-Long: " + std::string(150, 'a') + "\r\n " + std::string(150, 'b') + "\r\n c\r\nTo: x\r\n\r\n",
                       AddressRewriting::Off, with);
    EXPECT_EQ(result.stored, "X-Long: " + std::string(150, 'a') + "\r\n " + std::string(39, 'b') + "\r\nTo: x\r\n");
}

TEST(StrayLineEnds, BecomeSpaces)
{
    EXPECT_FALSE(has_stray_line_end("a\r\n\r\nb\r\n"));
    for (std::string_view stray : {"a\nb\r\n", "a\rb\r\n", "\n.\r\n", "a\r\r\n", "\r\n\n\r\n"})
        EXPECT_TRUE(has_stray_line_end(stray)) << stray;
    EXPECT_EQ(replace_stray_line_ends("a\n.\r\nb\rc\r\r\n"), "a .\r\nb c \r\n");
}

queue::Envelope envelope()
{
    queue::Envelope made;
    made.queue_id = "48CA5A725CF";
    made.arrival_seconds = 1795229214;
    made.sender = "joe@obs.test";
    return made;
}

TEST(MissingHeaders, AreAddedInTheOrderOfPostfix)
{
    HeaderRules with = rules();
    auto result = pass("Subject: s\r\n\r\n", AddressRewriting::Local, with);
    auto made = missing_headers(result.header, envelope(), {.myhostname = "mail.obs.test"});
    EXPECT_EQ(made.message_id, "<20261121024654.48CA5A725CF@mail.obs.test>");
    EXPECT_TRUE(
        made.text.starts_with("Message-Id: <20261121024654.48CA5A725CF@mail.obs.test>\r\nDate: Sat, 21 Nov 2026"));
    EXPECT_TRUE(made.text.ends_with("\r\nFrom: joe@obs.test\r\n"));
}

TEST(MissingHeaders, HaveNoDateInAMessageIdWithALongQueueId)
{
    HeaderRules with = rules();
    auto result = pass("Subject: s\r\n\r\n", AddressRewriting::Local, with);
    auto made = missing_headers(result.header, envelope(), {.myhostname = "mail.obs.test", .long_queue_ids = true});
    EXPECT_EQ(made.message_id, "<48CA5A725CF@mail.obs.test>");
}

TEST(MissingHeaders, OfAResentMessageAreResentHeaders)
{
    HeaderRules with = rules();
    auto result = pass("Resent-To: x\r\n\r\n", AddressRewriting::Local, with);
    auto made = missing_headers(result.header, envelope(),
                                {.myhostname = "h", .undisclosed_recipients_header = "To: undisclosed-recipients:;"});
    EXPECT_TRUE(made.resent);
    EXPECT_TRUE(made.text.starts_with("Resent-Message-Id: <"));
    EXPECT_NE(made.text.find("\r\nResent-From: joe@obs.test\r\n"), std::string::npos);
    EXPECT_EQ(made.text.find("undisclosed"), std::string::npos);
}

TEST(MissingHeaders, QuoteOrEncodeAFullName)
{
    OriginNames names;
    EXPECT_EQ(from_with_name("a@b", "Joe User", names), "Joe User <a@b>");
    EXPECT_EQ(from_with_name("a@b", "Joe \"Q\" Us,er", names), "\"Joe \\\"Q\\\" Us,er\" <a@b>");
    EXPECT_EQ(from_with_name("a@b",
                             "J\xc3\xb6"
                             "e",
                             names),
              "=?utf-8?Q?J=C3=B6e?= <a@b>");
    names.obsolete_from = true;
    EXPECT_EQ(from_with_name("a@b", "Joe (x)", names), "a@b (Joe \\(x\\))");
}

}  // namespace
}  // namespace posthaste::intake
