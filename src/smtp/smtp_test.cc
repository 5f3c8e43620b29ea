// The SMTP parsers, one group a parser.
#include "smtp/command.h"
#include "smtp/data_decoder.h"
#include "smtp/extensions.h"
#include "smtp/line_reader.h"
#include "smtp/mail_parameters.h"
#include "smtp/path.h"
#include "smtp/reply.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace posthaste::smtp {

namespace {

struct Collected : ContentSink {
    std::string text;
    void add_lines(std::string_view crlf_lines) override
    {
        EXPECT_TRUE(crlf_lines.ends_with("\r\n"));
        text += crlf_lines;
    }
};

struct Decoded {
    std::string content;
    std::string rest;
    bool finished = false;
    bool bare = false;
};

// Feeds the input in pieces of `step` bytes, as a socket might deliver it.
Decoded decode(std::string_view input, BareNewline bare_newline = BareNewline::Normalize, std::size_t step = 1 << 20)
{
    DataDecoder decoder(bare_newline);
    Collected sink;
    std::string buffer;
    while (!decoder.finished() && !input.empty()) {
        buffer += input.substr(0, step);
        input.remove_prefix(std::min(step, input.size()));
        buffer.erase(0, decoder.feed(buffer, sink));
    }
    return {sink.text, buffer + std::string(input), decoder.finished(), decoder.saw_bare_newline()};
}

}  // namespace

TEST(Command, VerbsAreFoundInAnyCaseWithSpaceAround)
{
    Command command = parse_command("  maIL  FROM:<a@b> SIZE=1 \t");
    EXPECT_EQ(command.verb, Verb::Mail);
    EXPECT_EQ(command.word, "maIL");
    EXPECT_EQ(command.arguments, "FROM:<a@b> SIZE=1");
    EXPECT_EQ(parse_command("UNKNOWN").verb, Verb::Unknown);
    EXPECT_EQ(parse_command("").word, "");
}

TEST(Command, LogTextHidesNothingAndBreaksNothing)
{
    EXPECT_EQ(escape_for_log(std::string("a\r\n\x16\x03\\", 6), 100), "a\\r\\n\\026\\003\\\\");
    EXPECT_EQ(escape_for_log("abcdef", 3), "abc");
}

TEST(LineReader, TakesOneLineAndReportsBareNewlines)
{
    LineScan scan = scan_line("NOOP\r\nQUIT\n", 100, false);
    EXPECT_EQ(scan.line, "NOOP");
    EXPECT_EQ(scan.consume, 6U);
    EXPECT_FALSE(scan.bare_newline);
    EXPECT_TRUE(scan_line("QUIT\n", 100, false).bare_newline);
    EXPECT_EQ(scan_line("QUI", 100, false).state, LineScan::State::Incomplete);
}

TEST(LineReader, CutsALongLineAndSkipsItsRest)
{
    std::string long_line(300, 'x');
    LineScan scan = scan_line(long_line, 100, false);
    EXPECT_EQ(scan.state, LineScan::State::Cut);
    EXPECT_EQ(scan.line.size(), 100U);
    EXPECT_EQ(scan.consume, 300U);
    scan = scan_line("xxx\r\nNOOP\r\n", 100, true);
    EXPECT_EQ(scan.state, LineScan::State::Skipped);
    EXPECT_EQ(scan.consume, 5U);
    scan = scan_line(long_line + "\r\nNOOP\r\n", 100, false);
    EXPECT_EQ(scan.state, LineScan::State::Line);
    EXPECT_EQ(scan.line.size(), 100U);
    EXPECT_EQ(scan.consume, 302U);
}

TEST(Path, OrdinaryForms)
{
    auto path = parse_path_argument("FROM:<User@Example.com> SIZE=3  BODY=7BIT", "FROM:", PathSyntax::Strict);
    ASSERT_TRUE(path);
    EXPECT_EQ(path->address, "User@Example.com");
    EXPECT_EQ(path->path, "<User@Example.com>");
    ASSERT_EQ(path->parameters.size(), 2U);
    EXPECT_EQ(path->parameters[1], "BODY=7BIT");
    EXPECT_EQ(parse_path_argument("from: <>", "FROM:", PathSyntax::Strict)->address, "");
    EXPECT_EQ(parse_path_argument("TO:<@a.b,@c.d:x@y>", "TO:", PathSyntax::Strict)->address, "x@y");
    EXPECT_EQ(parse_path_argument("TO:<x@y.>", "TO:", PathSyntax::Strict)->address, "x@y.");
    EXPECT_EQ(parse_path_argument("TO:<x@y >", "TO:", PathSyntax::Strict)->address, "x@y");
    EXPECT_EQ(parse_path_argument("TO:<root>", "TO:", PathSyntax::Strict)->address, "root");
    EXPECT_EQ(parse_path_argument("TO:<a@b@c.d>", "TO:", PathSyntax::Strict)->address, "a@b@c.d");
    EXPECT_EQ(parse_path_argument("TO:<x@[IPv6:::1]>", "TO:", PathSyntax::Strict)->address, "x@[IPv6:::1]");
}

TEST(Path, QuotedLocalPartsLoseTheirQuotes)
{
    EXPECT_EQ(parse_path_argument(R"(TO:<"a b\"c>"@d.e> X)", "TO:", PathSyntax::Strict)->address, "a b\"c>@d.e");
    EXPECT_EQ(parse_path_argument(R"(TO:<"a@b"@d.e>)", "TO:", PathSyntax::Strict)->address, "a@b@d.e");
}

TEST(Path, FaultsAreTold)
{
    for (const char* text : {"", "FROM", "TO:<a@b>", "FROM:", "FROM:   "})
        EXPECT_EQ(parse_path_argument(text, "FROM:", PathSyntax::Lenient).error(), PathFault::Usage) << text;
    for (const char* text : {"FROM:<a", "FROM:<a@>", "FROM:<@>", "FROM:<a@-b.c>", "FROM:<a@b..c>", "FROM:<a b@c>",
                             "FROM:<a@b>x", "FROM:<a,b@c>", "FROM:<a@1.2.3.4>", "FROM:<a@[1.2.3]>", "FROM:<\"a@b>",
                             "FROM:< >", "FROM:<\t>", "FROM:<a\x01@b>", "FROM:<a@[1.2.3.4>"})
        EXPECT_EQ(parse_path_argument(text, "FROM:", PathSyntax::Lenient).error(), PathFault::Address) << text;
}

TEST(Path, ControlCharactersStayOutEvenQuoted)
{
    for (std::string_view text : {std::string_view("TO:<a\\\0b@c>", 11), std::string_view("TO:<\"a\rb\"@c>"),
                                  std::string_view("TO:<a\\\rb@c>")})
        EXPECT_EQ(parse_path_argument(text, "TO:", PathSyntax::Lenient).error(), PathFault::Address) << text;
}

TEST(Path, BracketsAndCommentsAreFreeUnlessStrict)
{
    EXPECT_EQ(parse_path_argument("FROM:a@b.c>", "FROM:", PathSyntax::Lenient)->address, "a@b.c");
    EXPECT_EQ(parse_path_argument("FROM:<a(x)@b.c>", "FROM:", PathSyntax::Lenient)->address, "a@b.c");
    EXPECT_EQ(parse_path_argument("FROM:<@b.c>", "FROM:", PathSyntax::Lenient)->address, "@b.c");
    EXPECT_EQ(parse_path_argument("FROM:<a(x)@b.c>", "FROM:", PathSyntax::Strict).error(), PathFault::Address);
    EXPECT_EQ(parse_path_argument("FROM:<@b.c>", "FROM:", PathSyntax::Strict).error(), PathFault::Address);
    EXPECT_EQ(parse_path_argument("FROM:a@b.c SIZE=1", "FROM:", PathSyntax::Lenient)->address, "a@b.c");
    EXPECT_EQ(parse_path_argument("FROM:a@b.c", "FROM:", PathSyntax::Strict).error(), PathFault::Address);
}

TEST(MailParameters, OrdinaryOnes)
{
    std::string_view words[] = {"SIZE=12", "body=8bitmime", "RET=HDRS", "ENVID=a+2Bb", "AUTH=<>"};
    auto result = parse_mail_parameters(words, implemented);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->size, 12U);
    EXPECT_TRUE(result->eight_bit);
    EXPECT_EQ(result->ret, Return::Headers);
    EXPECT_EQ(result->envid, "a+b");
}

TEST(MailParameters, BadOnes)
{
    auto code = [](std::string_view word, ExtensionSet offered = implemented) {
        return parse_mail_parameters(std::span(&word, 1), offered).error().line();
    };
    EXPECT_EQ(code("SIZE="), "501 5.5.4 Bad message size syntax");
    EXPECT_EQ(code("SIZE=-1"), "501 5.5.4 Bad message size syntax");
    EXPECT_EQ(code("SIZE=99999999999999999999999"), "552 5.3.4 Message size exceeds file system imposed limit");
    EXPECT_EQ(code("RET=foo"), "501 5.5.4 Bad RET parameter syntax");
    EXPECT_EQ(code("ENVID=+zz"), "501 5.5.4 Bad ENVID parameter syntax");
    EXPECT_EQ(code("BODY=foo"), "555 5.5.4 Unsupported option: BODY=foo");
    EXPECT_EQ(code("SMTPUTF8", {}), "555 5.5.4 Unsupported option: SMTPUTF8");
    EXPECT_EQ(code("XVERP"), "555 5.5.4 Unsupported option: XVERP");
    EXPECT_EQ(code("RET=FULL", {}), "501 5.7.1 DSN support is disabled");
}

TEST(RcptParameters, NotifyAndOrcpt)
{
    std::string_view words[] = {"NOTIFY=SUCCESS,failure", "ORCPT=rfc822;a+2Bb@c"};
    auto result = parse_rcpt_parameters(words, implemented);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->notify, notify_success | notify_failure);
    EXPECT_EQ(result->orcpt, "rfc822;a+b@c");
    for (std::string_view word : {"NOTIFY=NEVER,SUCCESS", "NOTIFY=foo", "NOTIFY="})
        EXPECT_EQ(parse_rcpt_parameters(std::span(&word, 1), implemented).error().line(),
                  "501 5.5.4 Error: Bad NOTIFY parameter syntax");
    for (std::string_view word : {"ORCPT=foo", "ORCPT=;a", "ORCPT=rfc822;a+0ab"})
        EXPECT_EQ(parse_rcpt_parameters(std::span(&word, 1), implemented).error().line(),
                  "501 5.5.4 Error: Bad ORCPT parameter syntax");
    std::string_view unicode = "ORCPT=utf-8;j\u00fcrgen@c";
    EXPECT_EQ(parse_rcpt_parameters(std::span(&unicode, 1), implemented)->orcpt, "utf-8;j\u00fcrgen@c");
    std::string_view word = "FOO";
    EXPECT_EQ(parse_rcpt_parameters(std::span(&word, 1), implemented).error().line(),
              "555 5.5.4 Unsupported option: FOO");
}

TEST(Reply, WireFormAndSoftening)
{
    std::string out;
    append_reply(out, {250, "a\nb"});
    append_reply(out, {550, "5.1.1 <x\r>"});
    EXPECT_EQ(out, "250-a\r\n250 b\r\n550 5.1.1 <x >\r\n");
    EXPECT_EQ(softened({550, "5.1.1 x"}), (Reply{450, "4.1.1 x"}));
    EXPECT_EQ(softened({250, "2.1.0 x"}), (Reply{250, "2.1.0 x"}));
    EXPECT_EQ(with_class_of(450, "5.7.1"), "4.7.1");
}

TEST(Extensions, OrderAndSuppression)
{
    EXPECT_EQ(ehlo_text("mx.example.com", implemented, 10240000),
              "mx.example.com\nPIPELINING\nSIZE "
              "10240000\nVRFY\nETRN\nSTARTTLS\nENHANCEDSTATUSCODES\n8BITMIME\nDSN\nSMTPUTF8");
    std::vector<std::string> unknown;
    ExtensionSet discard = parse_discard_keywords("Pipelining, dsn foo", unknown);
    EXPECT_EQ(unknown, std::vector<std::string>{"foo"});
    EXPECT_EQ(ehlo_text("h", implemented.without(discard), 0),
              "h\nSIZE\nVRFY\nETRN\nSTARTTLS\nENHANCEDSTATUSCODES\n8BITMIME\nSMTPUTF8");
}

TEST(DataDecoder, PlainMessageInAnyPieces)
{
    std::string input = "Subject: x\r\n\r\nhello\r\n..dot\r\n.also\r\n\r\n.\r\nQUIT\r\n";
    for (std::size_t step : {1U, 2U, 3U, 7U, 100U}) {
        Decoded decoded = decode(input, BareNewline::Normalize, step);
        EXPECT_EQ(decoded.content, "Subject: x\r\n\r\nhello\r\n.dot\r\nalso\r\n\r\n") << step;
        EXPECT_TRUE(decoded.finished);
        EXPECT_FALSE(decoded.bare);
        EXPECT_EQ(decoded.rest, "QUIT\r\n") << step;
    }
    EXPECT_TRUE(decode(".\r\n").finished);
}

TEST(DataDecoder, OnlyCrlfDotCrlfEndsAMessage)
{
    for (std::string_view end : {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r\n.\r", "\r\r\n.\n", "\r\n\0.\r\n"}) {
        for (std::size_t step : {1U, 100U}) {
            Decoded decoded = decode("a" + std::string(end) + "b\r\n", BareNewline::Normalize, step);
            EXPECT_FALSE(decoded.finished) << escape_for_log(end, 10);
            Decoded again = decode(decoded.content + "\r\n.\r\n", BareNewline::Normalize, step);
            EXPECT_TRUE(again.finished);
        }
    }
    EXPECT_EQ(decode("a\n.\nb\r\n.\r\n").content, "a\r\n\r\nb\r\n");
    EXPECT_TRUE(decode("a\n.\nb\r\n.\r\n").bare);
}

TEST(DataDecoder, AllowTakesEveryNewlineForALineEnd)
{
    Decoded decoded = decode("a\n..b\n.\nQUIT\n", BareNewline::Allow);
    EXPECT_TRUE(decoded.finished);
    EXPECT_EQ(decoded.content, "a\r\n.b\r\n");
    EXPECT_EQ(decoded.rest, "QUIT\n");
}

TEST(DataDecoder, StrayCarriageReturnsAreLeftToIntake)
{
    EXPECT_EQ(decode("a\rb\r\nc\r\r\n.\rd\r\n.\r\n").content, "a\rb\r\nc\r\r\n\rd\r\n");
}

TEST(DataDecoder, AnEndlessLineIsBrokenAndMemoryBounded)
{
    std::string input = std::string((std::size_t{3} << 20) + 17, 'x') + "\r\nend\r\n.\r\n";
    Decoded decoded = decode(input, BareNewline::Normalize, 65536);
    EXPECT_TRUE(decoded.finished);
    std::string joined;
    for (char c : decoded.content)
        if (c != '\r' && c != '\n')
            joined.push_back(c);
    EXPECT_EQ(joined, std::string((std::size_t{3} << 20) + 17, 'x') + "end");
    EXPECT_TRUE(decoded.content.ends_with("x\r\nend\r\n"));
}

}  // namespace posthaste::smtp
