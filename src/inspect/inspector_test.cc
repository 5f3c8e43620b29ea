// What becomes of lines that a table has an action for. All actions against Postfix: test/compat/filter.json.
#include "inspect/inspector.h"

#include "base/text.h"
#include "net/tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::inspect {
namespace {

using testing::ElementsAre;

// Knows DISCARD and PASS; keeps what goes on and what is said.
class Recorder final : public Handler {
public:
    void take(std::string_view crlf_lines) override { content += crlf_lines; }
    void take_prepended_header(std::string_view crlf_line) override { content += "+" + std::string(crlf_line); }
    Decision decide(const Match& match) override
    {
        if (match.action.kind == CheckAction::Kind::Discard)
            return Decision::DropTheRest;
        return match.action.kind == CheckAction::Kind::Pass ? Decision::PassTheRest : Decision::Keep;
    }
    void log_action(const Match& match, std::string_view action, std::string_view text) override
    {
        said.push_back(std::string(action) + " " + std::string(match.place()) + " " + std::string(match.text) + ": " +
                       std::string(text));
    }
    void complain(std::string_view text) override { said.emplace_back(text); }
    void note(const std::vector<mime::FoundFault>&) override {}

    std::string content;
    std::vector<std::string> said;
};

class InspectorTest : public testing::Test {
protected:
    void table(CheckTable which, const std::string& rules)
    {
        auto opened = tables_.open(which, "some_checks", "regexp:{" + rules + "}");
        ASSERT_TRUE(opened) << opened.error().text();
    }
    // Fed in pieces of one line, then as a whole: the result must be the same.
    std::string pass(const std::string& text)
    {
        std::string wire;
        for (char c : text)
            wire += c == '\n' ? std::string("\r\n") : std::string(1, c);
        Recorder by_line;
        Inspector slow(tables_, by_line);
        for (std::size_t at = 0; at < wire.size();) {
            const std::size_t end = wire.find("\r\n", at) + 2;
            EXPECT_TRUE(net::run_until_done(slow.feed(wire.substr(at, end - at))));
            at = end;
        }
        EXPECT_TRUE(net::run_until_done(slow.finish()));
        recorder_ = {};
        Inspector fast(tables_, recorder_);
        EXPECT_TRUE(net::run_until_done(fast.feed(wire)));
        EXPECT_TRUE(net::run_until_done(fast.finish()));
        EXPECT_EQ(recorder_.content, by_line.content);
        EXPECT_EQ(recorder_.said, by_line.said);
        std::string content = recorder_.content;
        std::erase(content, '\r');
        return content;
    }

    ContentTables tables_;
    Recorder recorder_;
};

TEST_F(InspectorTest, WhatNoTableKnowsGoesOnAsItIs)
{
    table(CheckTable::Header, "{/never/ REJECT}");
    table(CheckTable::Body, "{/never/ REJECT}");
    const std::string text = "Subject : s\n folded\n\tmore\nX-A:b\n\nbody\n\n.dot\n";
    EXPECT_EQ(pass(text), text);
}

TEST_F(InspectorTest, EditsHeaders)
{
    table(CheckTable::Header, "{/^X-Gone:/ IGNORE} {/^X-Strip:/ STRIP why} {/^X-New: (.*)/ REPLACE X-Rep: <$1>} "
                              "{/^X-Pre/ PREPEND X-Before: 1}");
    EXPECT_EQ(pass("X-Gone: a\n b\nX-Strip: a\nX-New: a\n b\nX-Pre: a\n\nX-Gone: body\n"),
              "X-Rep: <a\n b>\n+X-Before: 1\nX-Pre: a\n\nX-Gone: body\n");
    EXPECT_THAT(recorder_.said,
                ElementsAre("strip header X-Strip: a: why", "replace header X-New: a\n b: X-Rep: <a\n b>",
                            "prepend header X-Pre: a: X-Before: 1"));
}

TEST_F(InspectorTest, EditsBodyLinesAndHeadersOfParts)
{
    table(CheckTable::MimeHeader, "{/^X-Part/ PREPEND X-Before: 1} {/^X-Gone/ IGNORE}");
    table(CheckTable::Body, "{/^gone/ IGNORE} {/^new/ REPLACE any text} {/^pre/ PREPEND before}");
    EXPECT_EQ(
        pass("Content-Type: multipart/mixed; boundary=b\n\ngone\n--b\nX-Part: 1\nX-Gone: 2\n\nnew\npre\nlast\n"),
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nX-Before: 1\nX-Part: 1\n\nany text\nbefore\npre\nlast\n");
}

TEST_F(InspectorTest, AHeaderIsNotReplacedByWhatIsNone)
{
    table(CheckTable::Header, "{/^X-A/ REPLACE no header} {/^X-B/ PREPEND} {/^X-C/ WARN}");
    EXPECT_EQ(pass("X-A: a\nX-B: b\nX-C: c\n\n"), "X-A: a\nX-B: b\nX-C: c\n\n");
    EXPECT_THAT(
        recorder_.said,
        ElementsAre("bad REPLACE header text \"no header\" in some_checks map -- need \"headername: headervalue\"",
                    "PREPEND action without text in some_checks map", "warning header X-C: c: "));
}

TEST_F(InspectorTest, PassEndsTheInspectionAndKeepsEveryLine)
{
    table(CheckTable::Header, "{/^X-Pass/ PASS} {/^X-Gone/ IGNORE}");
    table(CheckTable::Body, "{/gone/ IGNORE}");
    EXPECT_EQ(pass("X-Gone: 1\nX-Pass: 1\nX-Gone: 2\n b\n\ngone\n"), "X-Pass: 1\nX-Gone: 2\n b\n\ngone\n");
}

TEST_F(InspectorTest, AHeaderThatEndsWithoutAnEmptyLineGetsOne)
{
    table(CheckTable::Header, "{/^X-Gone/ IGNORE}");
    EXPECT_EQ(pass("X-Gone: 1\nFrom me\nX-Gone: 2\n\nbody\n"), "\nFrom me\nX-Gone: 2\n\nbody\n");
}

TEST_F(InspectorTest, AMailboxSeparatorHidesNoHeader)
{
    table(CheckTable::Header, "{/^X-Gone/ IGNORE}");
    EXPECT_EQ(pass("Received: a\n>From me\nX-Gone: 2\n\nbody\n"), "Received: a\n\nbody\n");
}

TEST_F(InspectorTest, NothingGoesOnBehindADiscardedLine)
{
    table(CheckTable::Body, "{/^stop/ DISCARD}");
    EXPECT_EQ(pass("X-A: a\n\nbefore\nstop\nafter\n"), "X-A: a\n\nbefore\n");
}

TEST_F(InspectorTest, EmptyLinesAndTheRestOfALongSegmentAreNotLookedUp)
{
    table(CheckTable::Body, "{/^/ PREPEND seen}");
    tables_.body_limit = 10;
    EXPECT_EQ(pass("X-A: a\n\n\n12345\n123\n123\n"), "X-A: a\n\n\nseen\n12345\nseen\n123\n123\n");
}

TEST_F(InspectorTest, LongLinesAreLookedUpInPieces)
{
    table(CheckTable::Body, "{/x/ REPLACE -} {/gone/ IGNORE}");
    tables_.line_limit = 4;
    EXPECT_EQ(pass("\nabcdefxhgoneijkl\n"), "\nabcd-ijkl\n");
}

TEST_F(InspectorTest, EightBitTextBecomesQuotedPrintable)
{
    tables_.converts_to_seven_bit = true;
    EXPECT_EQ(pass("Content-Transfer-Encoding: 8bit\nSubject: s\n\ngr\xc3\xbc\xc3\x9f=\n\nend \n"),
              "Subject: s\nContent-Transfer-Encoding: quoted-printable\n\ngr=C3=BC=C3=9F=3D\n\nend=20\n");
    const std::string undeclared = "Subject: s\n\ngr\xc3\xbc\xc3\x9f=\n";
    EXPECT_EQ(pass(undeclared), undeclared);
    tables_.depth = mime::Depth::PrimaryHeader;
    const std::string unknown = "Content-Transfer-Encoding: 8bit\n\n\xc3\xbc\n";
    EXPECT_EQ(pass(unknown), unknown);
}

TEST_F(InspectorTest, EightBitPartsAreConvertedEachForItself)
{
    tables_.converts_to_seven_bit = true;
    EXPECT_EQ(pass("Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: 8bit\n\npre=\n"
                   "--b\nContent-Transfer-Encoding: BINARY\n\n\xff\n"
                   "--b\nContent-Transfer-Encoding: base64\n\nYQ==\n"
                   "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n"
                   "Content-Transfer-Encoding: 8bit\n\n\xfe\n"
                   "--b\nContent-Transfer-Encoding: 8bit\n--b--\nend=\n"),
              "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: 7bit\n\npre=\n"
              "--b\nContent-Transfer-Encoding: quoted-printable\n\n=FF\n"
              "--b\nContent-Transfer-Encoding: base64\n\nYQ==\n"
              "--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\n"
              "Content-Transfer-Encoding: quoted-printable\n\n=FE\n"
              "--b\nContent-Transfer-Encoding: 8bit\n--b--\nend=\n");
}

TEST_F(InspectorTest, TextWithTwoEncodingsStaysAsItIs)
{
    tables_.converts_to_seven_bit = true;
    for (const std::string labels : {"7bit|8bit", "8bit|base64", "8bit|8bit", "base64|binary|8bit"}) {
        std::string text = "Subject: s\n";
        for (std::string_view label : split(labels, "|"))
            text += "Content-Transfer-Encoding: " + std::string(label) + "\n";
        text += "\ngr\xc3\xbc\n";
        EXPECT_EQ(pass(text), text);
    }
}

TEST_F(InspectorTest, WhatIsConvertedIsLookedUpAsItGoesOn)
{
    tables_.converts_to_seven_bit = true;
    table(CheckTable::MimeHeader, "{/quoted-printable/ PREPEND X-Seen: 1}");
    table(CheckTable::Body, "{/=FC/ WARN umlaut}");
    EXPECT_EQ(pass("Content-Transfer-Encoding: 8bit\n\n\xfc\n"),
              "+X-Seen: 1\nContent-Transfer-Encoding: quoted-printable\n\n=FC\n");
    EXPECT_THAT(recorder_.said, testing::Contains("warning body =FC: umlaut"));
}

TEST_F(InspectorTest, TheEndOfTheHeaderIsWatchedAfterPassWhereThatIsWanted)
{
    table(CheckTable::Header, "{/^X-Pass/ PASS}");
    const std::string broken = "X-Pass: 1\nX-A: 1\nno header\nX-B: 1\n\nmore\n";
    EXPECT_EQ(pass(broken), broken);
    tables_.watches_header_end = true;
    EXPECT_EQ(pass(broken), "X-Pass: 1\nX-A: 1\n\nno header\nX-B: 1\n\nmore\n");
}

TEST_F(InspectorTest, PassDoesNotEndTheConversion)
{
    tables_.converts_to_seven_bit = true;
    table(CheckTable::Header, "{/^X-Pass/ PASS}");
    table(CheckTable::Body, "{/FC/ IGNORE}");
    EXPECT_EQ(pass("X-Pass: 1\nContent-Transfer-Encoding: 8bit\nX-A: 1\n\n\xfc\n"),
              "X-Pass: 1\nX-A: 1\nContent-Transfer-Encoding: quoted-printable\n\n=FC\n");
}

TEST_F(InspectorTest, EncodedTextIsNoHeaderWhereTheEmptyLineIsMissing)
{
    tables_.converts_to_seven_bit = true;
    EXPECT_EQ(pass("Content-Transfer-Encoding: 8bit\nF\xfc: x\n"),
              "Content-Transfer-Encoding: quoted-printable\n\nF=FC: x\n");
}

TEST_F(InspectorTest, ATableThatFailsIsAnError)
{
    ASSERT_TRUE(tables_.open(CheckTable::Header, "header_checks", "fail:broken"));
    Inspector inspector(tables_, recorder_);
    auto fed = net::run_until_done(inspector.feed("Subject: a\r\n\r\n"));
    ASSERT_FALSE(fed);
    EXPECT_EQ(fed.error().kind(), ErrorKind::Temporary);
    EXPECT_EQ(fed.error().text(), "header_checks map lookup problem");
}

TEST(CheckAction, IsAWordInAnyCaseAndItsText)
{
    auto action = parse_check_action("  rePlace  some text ");
    EXPECT_EQ(action.kind, CheckAction::Kind::Replace);
    EXPECT_EQ(action.argument, "some text");
    EXPECT_EQ(parse_check_action("ok").kind, CheckAction::Kind::Dunno);
    EXPECT_EQ(parse_check_action("DISCARDED").kind, CheckAction::Kind::Unknown);
    EXPECT_EQ(parse_check_action("550 no").argument, "550 no");
}

}  // namespace
}  // namespace posthaste::inspect
