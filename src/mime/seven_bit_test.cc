#include "mime/seven_bit.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::mime {
namespace {

std::string wire(std::string_view text)
{
    std::string lines;
    for (char c : text)
        lines += c == '\n' ? std::string("\r\n") : std::string(1, c);
    return lines;
}

// The converted message with bare newlines; the same whatever pieces it comes in.
std::string converted(std::string_view text)
{
    SevenBitConverter whole({});
    std::string result = whole.convert(wire(text));
    result += whole.finish();
    SevenBitConverter by_line({});
    std::string again;
    for (std::string_view rest = text; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size() - 1) + 1;
        again += by_line.convert(wire(rest.substr(0, end)));
        rest.remove_prefix(end);
    }
    EXPECT_EQ(again + by_line.finish(), result);
    std::erase(result, '\r');
    return result;
}

std::string encoded(std::string_view line)
{
    std::string out;
    append_quoted_printable(out, line);
    return out;
}

TEST(QuotedPrintable, EncodesWhatMustBe)
{
    EXPECT_EQ(encoded("a=b \xc3\xa4"), "a=3Db =C3=A4\r\n");
    EXPECT_EQ(encoded("tab\there \t"), "tab\there =09\r\n");
    EXPECT_EQ(encoded(""), "\r\n");
}

TEST(QuotedPrintable, LinesHave76CharactersAtMost)
{
    EXPECT_EQ(encoded(std::string(76, 'x')), std::string(76, 'x') + "\r\n");
    EXPECT_EQ(encoded(std::string(77, 'x')), std::string(75, 'x') + "=\r\nxx\r\n");
    EXPECT_EQ(encoded(std::string(73, 'x') + "\xe4"), std::string(73, 'x') + "=E4\r\n");
    EXPECT_EQ(encoded(std::string(74, 'x') + "\xe4"), std::string(74, 'x') + "=\r\n=E4\r\n");
}

TEST(SevenBit, BodyThatIsSaidToBe8bitIsEncoded)
{
    EXPECT_EQ(converted("MIME-Version: 1.0\nContent-Transfer-Encoding:\n 8bit\nContent-Type: text/plain\n\n\xe4\n.\n"),
              "MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n=E4\n.\n");
}

TEST(SevenBit, WhatIsEncodedAlreadyStaysAsItIs)
{
    for (std::string_view encoding : {"7bit", "base64", "quoted-printable", "x-mine"}) {
        const std::string text = "Content-Transfer-Encoding: " + std::string(encoding) + "\n\na=E4=\n";
        EXPECT_EQ(converted(text), text);
    }
}

TEST(SevenBit, MessageThatSaysNothingGetsTheHeadersThatItLacks)
{
    EXPECT_EQ(converted("Subject: x\n\n\xe4\n"),
              "Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=unknown-8bit\n"
              "Content-Transfer-Encoding: quoted-printable\n\n=E4\n");
}

TEST(SevenBit, EachPartIsLookedAtByItself)
{
    EXPECT_EQ(converted("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
                        "Content-Transfer-Encoding: 8bit\n\npreamble=\n--b\nContent-Transfer-Encoding: 8bit\n\n\xe4\n"
                        "--b\n\nplain=\n--b\nContent-Transfer-Encoding: base64\n\nAA==\n--b--\nepilogue=\n"),
              "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
              "Content-Transfer-Encoding: 7bit\n\npreamble=\n--b\nContent-Transfer-Encoding: quoted-printable\n\n=E4\n"
              "--b\n\nplain=\n--b\nContent-Transfer-Encoding: base64\n\nAA==\n--b--\nepilogue=\n");
}

TEST(SevenBit, AttachedMessageIsConvertedInside)
{
    EXPECT_EQ(converted("MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n"
                        "Subject: y\nContent-Transfer-Encoding: 8bit\n\n\xe4\n"),
              "MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\n"
              "Subject: y\nContent-Transfer-Encoding: quoted-printable\n\n=E4\n");
}

TEST(SevenBit, LinesThatAreCutDoNotBecomeBoundaries)
{
    const std::string head = "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: 8bit\n\n";
    const std::string filling(75, 'x');
    EXPECT_THAT(converted(head + filling + "--b\n--b--\n"), testing::HasSubstr(filling + "=\n=2D-b\n--b--\n"));
}

TEST(SevenBit, EncodedTextIsNoHeaderWhereTheEmptyLineIsMissing)
{
    EXPECT_EQ(converted("MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: 8bit\nF\xc3: x\n"),
              "MIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\nF=C3: x\n");
}

TEST(SevenBit, HeaderWithoutBodyLosesNothing)
{
    const std::string text = "Subject: x\nContent-Transfer-Encoding: 8bit\n";
    EXPECT_EQ(converted(text), text);
    EXPECT_EQ(converted("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
                        "Content-Transfer-Encoding: 8bit\n--b--\n"),
              "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
              "Content-Transfer-Encoding: 8bit\n--b--\n");
}

}  // namespace
}  // namespace posthaste::mime
