#include "command/smtp-sink/commands.h"
#include "command/smtp-sink/dump.h"
#include "command/smtp-sink/end_of_data.h"
#include "command/smtp-sink/options.h"

#include <gtest/gtest.h>

namespace posthaste::command::smtp_sink {
namespace {

// How many bytes of `data` are the message when it comes in pieces of this size; 0: it has no end.
std::size_t length_of_message(std::string_view data, std::size_t piece)
{
    EndOfData end;
    for (std::size_t at = 0; at < data.size(); at += piece) {
        std::size_t used = end.feed(data.substr(at, piece));
        if (end.finished())
            return at + used;
    }
    return 0;
}

TEST(EndOfData, IsFoundInWholeAndInPieces)
{
    struct Case {
        std::string_view data;
        std::size_t length;
    };
    for (const Case& each : {Case{".\r\nQUIT\r\n", 3}, Case{"x\r\n.\r\n", 6}, Case{"a.b\r\n..\r\n.x\r\n.\r\n.\r\n", 16},
                             Case{"x\n.\n\r\n", 0}, Case{"x\r\n.\n", 0}, Case{"x\n.\r\n", 0}, Case{"x\r\r\n.\r\nyy", 7},
                             Case{"x\r\n.\r.\r\n", 0}, Case{"x\r\n.\r\r\n.\r\n", 10}, Case{"xyz...\r\n\r\n.\r\n", 13}})
        for (std::size_t piece = 1; piece <= each.data.size(); ++piece)
            EXPECT_EQ(length_of_message(each.data, piece), each.length) << each.data << " in pieces of " << piece;
}

TEST(SmtpSinkOptions, EscapesOfTheStartString)
{
    EXPECT_EQ(without_escapes(R"(From x\n\tfoo\101\0612)"), "From x\n\tfooA12");
    EXPECT_EQ(without_escapes(R"(a\\b\q\)"), R"(a\bq\)");
}

TEST(SmtpSinkCommands, AreFoundInAnyCase)
{
    EXPECT_EQ(find_verb("ehlo"), Verb::Ehlo);
    EXPECT_EQ(find_verb("."), Verb::Dot);
    EXPECT_EQ(find_verb("XForward"), Verb::Xforward);
    EXPECT_EQ(find_verb("STARTTLS"), std::nullopt);
}

TEST(SmtpSinkDump, HeadersAreThoseOfTheManual)
{
    Options options;
    options.start_string = "From x\n";
    std::string text =
        dump_headers(options, {"127.0.0.1", "ESMTP", "c.test", "<a@b> SIZE=10", {"<c@d>", "<e@f>"}}, "0123abcd");
    EXPECT_TRUE(text.starts_with("From x\nX-Client-Addr: 127.0.0.1\nX-Client-Proto: ESMTP\nX-Helo-Args: c.test\n"
                                 "X-Mail-Args: <a@b> SIZE=10\nX-Rcpt-Args: <c@d>\nX-Rcpt-Args: <e@f>\n"
                                 "Received: from c.test ([127.0.0.1])\n\tby smtp-sink (smtp-sink) with ESMTP id "
                                 "0123abcd;\n\t"))
        << text;
    EXPECT_TRUE(dump_headers(options, {"ipv6:::1", "SMTP", "", "<>", {"<c@d>"}}, "0")
                    .contains("\nReceived: from [ipv6:::1] ([ipv6:::1])\n"));
}

}  // namespace
}  // namespace posthaste::command::smtp_sink
