// What each line of a message is. The expectations of whole messages were recorded from Postfix
// (test/compat/filter.json).
#include "mime/structure_scanner.h"

#include <gtest/gtest.h>
#include <vector>

namespace posthaste::mime {
namespace {

constexpr std::string_view class_letters = "PMN";  // Primary, Mime, Nested

// "P Subject: x", "B text": what a table would be asked for, and which.
std::vector<std::string> scan(std::string_view text, StructureLimits limits = {}, Depth depth = Depth::Everything,
                              std::vector<FoundFault>* faults = nullptr)
{
    StructureScanner scanner(limits, depth);
    std::vector<std::string> seen;
    auto keep = [&](const std::optional<StructureHeader>& header) {
        if (header)
            seen.push_back(std::string(1, class_letters[static_cast<std::size_t>(header->kind)]) + " " +
                           header->text());
    };
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        StructureStep step = scanner.feed(line);
        keep(step.completed);
        if (step.place == LinePlace::Body && !line.empty())
            seen.push_back("B " + std::string(line));
    }
    keep(scanner.finish());
    if (faults != nullptr)
        *faults = scanner.faults();
    return seen;
}

using Lines = std::vector<std::string>;

std::vector<FoundFault> faults_of(std::string_view text, StructureLimits limits = {})
{
    std::vector<FoundFault> faults;
    scan(text, limits, Depth::Everything, &faults);
    return faults;
}

TEST(StructureScanner, TellsHeadersOfMessagePartsAndAttachedMessagesApart)
{
    EXPECT_EQ(scan("Subject: s\nContent-Type: multipart/mixed;\n boundary=\"b\"\n\npre\n--b\nX-A: 1\n\nx\n--b\n"
                   "Content-Type: message/rfc822\n\nSubject: inner\nContent-Type: text/plain\n\ny\n--b--\nend\n"),
              (Lines{"P Subject: s", "M Content-Type: multipart/mixed;\n boundary=\"b\"", "B pre", "B --b", "M X-A: 1",
                     "B x", "B --b", "M Content-Type: message/rfc822", "N Subject: inner", "M Content-Type: text/plain",
                     "B y", "B --b--", "B end"}));
}

TEST(StructureScanner, BlanksBeforeTheColonAreLeftOut)
{
    EXPECT_EQ(scan("Subject \t: s\n\n"), (Lines{"P Subject: s"}));
}

TEST(StructureScanner, PartsOfADigestAreMessages)
{
    EXPECT_EQ(scan("Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: a\n\nx\n--b\nContent-Type: "
                   "text/plain\n\nSubject: no\n"),
              (Lines{"M Content-Type: multipart/digest; boundary=b", "B --b", "N Subject: a", "B x", "B --b",
                     "M Content-Type: text/plain", "B Subject: no"}));
}

TEST(StructureScanner, AnOuterBoundaryEndsAnInnerMultipart)
{
    EXPECT_EQ(scan("Content-Type: multipart/mixed; boundary=out\n\n--out\nContent-Type: multipart/mixed; "
                   "boundary=in\n\n--in\nX-A: 1\n\n--out\nX-B: 1\n\n--in\nX-C: 1\n"),
              (Lines{"M Content-Type: multipart/mixed; boundary=out", "B --out",
                     "M Content-Type: multipart/mixed; boundary=in", "B --in", "M X-A: 1", "B --out", "M X-B: 1",
                     "B --in", "B X-C: 1"}));
}

TEST(StructureScanner, ALineThatBeginsWithABoundaryIsOne)
{
    EXPECT_EQ(
        scan("Content-Type: multipart/mixed; boundary=ab\n\n--abc\nX-A: 1\n\n--ab-- more\nX-B: 1\n"),
        (Lines{"M Content-Type: multipart/mixed; boundary=ab", "B --abc", "M X-A: 1", "B --ab-- more", "B X-B: 1"}));
}

TEST(StructureScanner, OnlyTheFirstBytesOfABoundaryCount)
{
    EXPECT_EQ(scan("Content-Type: multipart/mixed; boundary=abcdef\n\n--abcdXX\nX-A: 1\n\n", {.boundary_length = 4}),
              (Lines{"M Content-Type: multipart/mixed; boundary=abcdef", "B --abcdXX", "M X-A: 1"}));
}

TEST(StructureScanner, WithoutMimeAllBehindTheHeaderIsText)
{
    std::vector<FoundFault> faults;
    EXPECT_EQ(scan("Content-Type: message/rfc822\n\nSubject: \xe4\n\n", {}, Depth::PrimaryHeader, &faults),
              (Lines{"M Content-Type: message/rfc822", "B Subject: \xe4"}));
    EXPECT_TRUE(faults.empty());
}

TEST(StructureScanner, WhatIsNestedBeyondTheLimitIsTextAndAFault)
{
    const std::string text = "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\n"
                             "Content-Type: multipart/mixed; boundary=b\n\n--b\nX-A: 1\n";
    EXPECT_TRUE(faults_of(text, {.nesting = 3}).empty());
    auto faults = faults_of(text, {.nesting = 2});
    ASSERT_EQ(faults.size(), 1U);
    EXPECT_EQ(faults[0].fault, Fault::Nesting);
    EXPECT_EQ(scan(text, {.nesting = 2}).back(), "B X-A: 1");
}

TEST(StructureScanner, PartsOneAfterTheOtherAreNotNested)
{
    std::string text = "Content-Type: multipart/mixed; boundary=a\n\n";
    for (int i = 0; i < 5; ++i)
        text += "--a\nContent-Type: message/rfc822\n\nSubject: x\n\nbody\n";
    EXPECT_TRUE(faults_of(text, {.nesting = 2}).empty());
}

TEST(StructureScanner, EightBitTextIsAFaultWhereItIsNotAnnounced)
{
    EXPECT_TRUE(faults_of("Content-Transfer-Encoding: 8bit\n\n\xe4\n").empty());
    EXPECT_TRUE(faults_of("Content-Transfer-Encoding: quoted-printable\n\n\xe4\n").empty());
    auto body = faults_of("Subject: s\n\na \xe4\n\xe5\n");
    ASSERT_EQ(body.size(), 1U);
    EXPECT_EQ(body[0].fault, Fault::EightBitBody);
    EXPECT_EQ(body[0].text, "a \xe4");
    auto header = faults_of("Subject: \xe4\n\n");
    ASSERT_EQ(header.size(), 1U);
    EXPECT_EQ(header[0].fault, Fault::EightBitHeader);
    auto part =
        faults_of("Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: 8bit\n\n--b\n\n\xe4\n");
    ASSERT_EQ(part.size(), 1U);
    EXPECT_EQ(part[0].fault, Fault::EightBitBody);
}

TEST(StructureScanner, AnEncodedStructureIsAFault)
{
    auto faults = faults_of("Content-Transfer-Encoding: base64\nContent-Type: message/rfc822\n\nSubject: a\n");
    ASSERT_EQ(faults.size(), 1U);
    EXPECT_EQ(faults[0].fault, Fault::EncodedStructure);
    EXPECT_EQ(faults[0].text, "base64");
    EXPECT_TRUE(faults_of("Content-Transfer-Encoding: base64\nContent-Type: text/plain\n\nSubject: a\n").empty());
}

TEST(ContentType, BoundaryIsTheFirstParameterOfThatName)
{
    auto boundary = [](std::string_view value) { return parse_content_type(value).boundary; };
    EXPECT_EQ(boundary(" multipart/mixed; boundary=a; boundary=b"), "a");
    EXPECT_EQ(boundary(" multipart / mixed (c;c) ; x=y; charset=\"a;b\"; (x) boundary=(y)ab"), "ab");
    EXPECT_EQ(boundary(" multipart/mixed;\n\tboundary=\n \"a \\\"b\""), "a \"b");
    EXPECT_EQ(boundary(" multipart/mixed; boundary=\"open"), "open");
    EXPECT_EQ(boundary(" multipart/mixed"), "");
    EXPECT_EQ(boundary(" text/plain; boundary=a"), "");
    EXPECT_EQ(boundary(" \"multipart\"/mixed; boundary=a"), "");
}

TEST(TransferEncoding, IsTheFirstWord)
{
    EXPECT_EQ(parse_transfer_encoding(" 8BIT (comment) more"), TransferEncoding::EightBit);
    EXPECT_EQ(parse_transfer_encoding("base64"), TransferEncoding::Base64);
    EXPECT_EQ(parse_transfer_encoding("x-unknown"), TransferEncoding::Unknown);
    EXPECT_EQ(parse_transfer_encoding(""), TransferEncoding::Unknown);
    EXPECT_EQ(name(TransferEncoding::QuotedPrintable), "quoted-printable");
}

}  // namespace
}  // namespace posthaste::mime
