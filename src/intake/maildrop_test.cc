#include "intake/maildrop.h"

#include <gtest/gtest.h>

namespace posthaste::intake {
namespace {

std::string sample()
{
    Submission submission;
    submission.sender = "joe";
    submission.recipients = {{"ann@there.test", 4}, {"bob", 0}};
    std::string bytes = begin_submission(submission);
    append_piece(bytes, "Subject: s\r\n\r\n");
    append_piece(bytes, std::string(max_piece + 10, 'x') + "\r\n");
    bytes += submission_end;
    return bytes;
}

TEST(Maildrop, IsReadInWhateverPortionsItComes)
{
    std::string bytes = sample();
    for (std::size_t portion : {std::size_t{1000}, bytes.size()}) {
        SubmissionReader reader;
        std::optional<Submission> envelope;
        std::string content;
        for (std::size_t at = 0; at < bytes.size(); at += portion) {
            reader.feed(std::string_view(bytes).substr(at, portion));
            if (!envelope)
                envelope = *reader.envelope();
            if (!envelope)
                continue;
            for (auto piece = reader.piece(); piece && *piece; piece = reader.piece())
                content += **piece;
        }
        ASSERT_TRUE(envelope);
        EXPECT_EQ(envelope->sender, "joe");
        ASSERT_EQ(envelope->recipients.size(), 2U);
        EXPECT_EQ(envelope->recipients[0].notify, 4);
        EXPECT_TRUE(reader.complete());
        EXPECT_EQ(content.size(), 14 + max_piece + 12);
    }
}

TEST(Maildrop, IncompleteFilesAreNeverComplete)
{
    std::string bytes = sample();
    bytes.resize(bytes.size() - 1);
    SubmissionReader reader;
    reader.feed(bytes);
    ASSERT_TRUE(*reader.envelope());
    for (auto piece = reader.piece(); piece && *piece; piece = reader.piece())
        continue;
    EXPECT_FALSE(reader.complete());
}

TEST(Maildrop, RefusesControlCharactersInAddresses)
{
    for (const char* address : {"a\nb@there.test", "a@there.test\r\nRCPT TO:<x@y.test>", "\"a\tb\"@there.test"}) {
        Submission as_sender;
        as_sender.sender = address;
        Submission as_recipient;
        as_recipient.recipients = {{"ann@there.test", 0}, {address, 0}};
        for (const Submission& submission : {as_sender, as_recipient}) {
            SubmissionReader reader;
            reader.feed(begin_submission(submission));
            EXPECT_EQ(reader.envelope().error().kind(), ErrorKind::Invalid) << address;
        }
    }
}

TEST(Maildrop, NumbersOfAStrangerStayWithinTheirBounds)
{
    Submission submission;
    submission.dsn_return = 77;
    submission.encoding = 77;
    submission.trace = 77;
    submission.verp_delimiters = "+=#";
    queue::Envelope envelope;
    fill_envelope(envelope, submission);
    EXPECT_EQ(envelope.dsn_return, queue::DsnReturn::Full);
    EXPECT_EQ(envelope.encoding, queue::BodyEncoding::SevenBit);
    EXPECT_EQ(envelope.trace, queue::Trace::Verify);
    EXPECT_EQ(envelope.verp_delimiters, "+=");
}

TEST(Maildrop, RefusesWhatIsNoSubmission)
{
    for (const std::string& bytes : {std::string("T\0211795229821"), std::string("PHDROP1\n99999999999:"),
                                     std::string("PHDROP1\n3:abcd"), std::string("PHDROP1\nx:abc,")}) {
        SubmissionReader reader;
        reader.feed(bytes);
        EXPECT_FALSE(reader.envelope()) << bytes;
    }
    SubmissionReader reader;
    reader.feed(sample() + "more");
    ASSERT_TRUE(*reader.envelope());
    auto piece = reader.piece();
    while (piece && *piece)
        piece = reader.piece();
    EXPECT_FALSE(piece);
}

}  // namespace
}  // namespace posthaste::intake
