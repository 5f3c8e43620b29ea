#include "queue/layout.h"

#include "base/fd.h"
#include "queue/message_ref.h"
#include "queue/queue_file.h"
#include "queue/queue_id.h"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <set>

namespace posthaste::queue {
namespace {

StoredEnvelope sample()
{
    StoredEnvelope stored;
    Envelope& envelope = stored.envelope;
    envelope.queue_id = "A1B2C10000";
    envelope.arrival_seconds = 1526853600;
    envelope.arrival_microseconds = 661'196;
    envelope.sender = "user1@centos7.example.com";
    envelope.recipients = {{"user2@example.net", "", "", notify_default},
                           {"\xc3\xa9t\xc3\xa9@example.net", "alias@example.com", "rfc822;alias@example.com",
                            notify_success | notify_failure}};
    envelope.dsn_envid = "QQ314159";
    envelope.dsn_return = DsnReturn::Headers;
    envelope.encoding = BodyEncoding::EightBit;
    envelope.smtputf8 = true;
    envelope.origin = Origin::Sendmail;
    envelope.local_rewrite_context = false;
    envelope.hop_count = 3;
    envelope.message_id = "<1@example.com>";
    envelope.client = {"client.example.com", "192.0.2.1", "4711", "client", "ESMTP", "", "",
                       "192.0.2.25",         "25",        "",     "",       ""};
    stored.facts = {1234, 40, 300, 998, true, true, false};
    return stored;
}

TEST(EnvelopeFormat, ReadsBackWhatWasWritten)
{
    StoredEnvelope stored = sample();
    auto back = decode_envelope(encode_envelope(stored.envelope, stored.facts));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->envelope, stored.envelope);
    EXPECT_EQ(back->facts, stored.facts);
}

TEST(EnvelopeFormat, WhatLongLinesAddToTheSizeSurvives)
{
    ContentFacts facts{.size = 3000, .lines = 2};
    for (std::size_t line : {127, 128, 2047, 2048, 2175, 2176, 4096})
        facts.long_line_size += ContentFacts::record_excess(line);
    EXPECT_EQ(facts.long_line_size, 0U + 1 + 1 + 3 + 3 + 4 + 6);
    auto back = decode_envelope(encode_envelope(Envelope{}, facts));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->facts.logged_size(), facts.logged_size());
}

TEST(EnvelopeFormat, DefaultsSurvive)
{
    auto back = decode_envelope(encode_envelope(Envelope{}, ContentFacts{}));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->envelope, Envelope{});
}

TEST(EnvelopeFormat, RecipientsAreReadPieceByPiece)
{
    Envelope envelope;
    for (int i = 0; i < 25; ++i)
        envelope.recipients.push_back({"u" + std::to_string(i) + "@example.com", "", "", notify_default});
    const std::string encoded = encode_envelope(envelope, {});
    auto first = decode_envelope(encoded, 10);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->recipient_count, 25U);
    std::vector<Recipient> all = first->envelope.recipients;
    EXPECT_EQ(all.size(), 10U);
    RecipientPosition position = first->unread;
    for (std::size_t expected : {10U, 5U, 0U}) {
        EXPECT_EQ(position.index, all.size());
        auto piece = decode_recipients(encoded, position, 10);
        ASSERT_TRUE(piece);
        EXPECT_EQ(piece->size(), expected);
        all.insert(all.end(), piece->begin(), piece->end());
    }
    EXPECT_EQ(all, envelope.recipients);
    position = {.index = 0, .offset = 0};
    EXPECT_EQ(decode_recipients(encoded, position, 3)->back(), envelope.recipients[2]);
    position.offset = encoded.size() + 1;
    EXPECT_FALSE(decode_recipients(encoded, position, 3));
}

// The golden file of format version 1. When this fails the format has changed: make a new version, keep this file.
TEST(EnvelopeFormat, MatchesGoldenFileOfVersion1)
{
    StoredEnvelope stored = sample();
    std::string encoded = encode_envelope(stored.envelope, stored.facts);
    auto golden = read_file("test/golden/envelope-v1.bin");
    ASSERT_TRUE(golden) << golden.error().text();
    EXPECT_EQ(encoded, *golden);
}

// The containers around it: a segment's header and one frame, with their checksums, and a whole queue file.
TEST(ContainerFormat, MatchesGoldenFilesOfVersion1)
{
    StoredEnvelope stored = sample();
    const std::string encoded = encode_envelope(stored.envelope, stored.facts);
    const std::string content = "Subject: golden\r\n\r\n.dot\r\n";
    const std::string marks("\0\1\2\0", 1 + stored.envelope.recipients.size());

    SegmentHeader segment{.number = 7, .generation = 1234567890123456, .size = 262144};
    segment.marks_offset = block_size;
    segment.marks_size = block_size;
    segment.frames_offset = 2 * block_size;
    segment.state = SegmentState::InUse;
    segment.checksum = checksum_of(segment);
    FrameHeader frame{.generation = segment.generation, .sequence = 3, .batch_sequence = 2};
    frame.content_size = content.size();
    frame.content_hash = hash_of(content);
    frame.envelope_hash = hash_of(encoded);
    frame.envelope_size = static_cast<std::uint32_t>(encoded.size());
    frame.marks_offset = 5;
    frame.marks_count = static_cast<std::uint32_t>(marks.size());
    frame.checksum = checksum_of(frame);
    auto golden = read_file("test/golden/segment-v1.bin");
    ASSERT_TRUE(golden) << golden.error().text();
    EXPECT_EQ(std::string(bytes_of(segment)).append(bytes_of(frame)).append(content).append(encoded), *golden);

    std::string directory = testing::TempDir() + "golden.XXXXXX";
    ASSERT_TRUE(::mkdtemp(directory.data()));
    {
        auto file = FileBuilder::create(directory, "file");
        ASSERT_TRUE(file);
        MUST((*file)->append_content(content));
        MUST((*file)->finish(encoded, marks));
        (*file)->keep();
    }
    golden = read_file("test/golden/queue-file-v1.bin");
    ASSERT_TRUE(golden) << golden.error().text();
    EXPECT_EQ(*read_file(directory + "/file"), *golden);
    auto reader = FileReader::open(directory, "file");
    ASSERT_TRUE(reader) << reader.error().text();
    EXPECT_EQ((*reader)->content(), content);
    EXPECT_EQ((*reader)->envelope(), encoded);
    EXPECT_EQ((*reader)->marks(), marks);
    EXPECT_TRUE((*reader)->content_is_intact() && (*reader)->envelope_is_intact());
    reader = {};
    std::filesystem::remove_all(directory);
}

TEST(EnvelopeFormat, RefusesTruncationAndSurvivesNoise)
{
    StoredEnvelope stored = sample();
    std::string encoded = encode_envelope(stored.envelope, stored.facts);
    for (std::size_t length = 0; length < encoded.size(); ++length)
        static_cast<void>(decode_envelope(std::string_view(encoded).substr(0, length)));
    std::uint32_t noise = 1;
    for (int round = 0; round < 20000; ++round) {
        std::string damaged = encoded;
        noise = noise * 1664525 + 1013904223;
        damaged[(noise >> 8) % damaged.size()] = static_cast<char>(noise >> 24);
        static_cast<void>(decode_envelope(damaged));
    }
    EXPECT_FALSE(decode_envelope("\x06\xff"));
}

TEST(MessageRef, SurvivesItsText)
{
    MessageRef journal{QueueName::Journal, 7, 1526853600000001, 65536, "A1B2C10000"};
    MessageRef file{QueueName::Deferred, 0, 0, 0, "A1B2C10000"};
    EXPECT_EQ(*MessageRef::parse(journal.text()), journal);
    EXPECT_EQ(*MessageRef::parse(file.text()), file);
    EXPECT_FALSE(MessageRef::parse("J 1 2 x A1B2C10000"));
    EXPECT_FALSE(MessageRef::parse("F nowhere A1B2C10000"));
}

TEST(QueueId, LooksLikePostfixs)
{
    timeval arrival{1526853600, 661196};
    EXPECT_EQ(short_queue_id(arrival, 0x61A6DD), "A16CC61A6DD");
    EXPECT_EQ(long_queue_id(arrival, 51).size(), 6U + 4U + 1U + 2U);
    EXPECT_TRUE(is_queue_id(long_queue_id(arrival, 51)));
    EXPECT_FALSE(is_queue_id("../../etc"));
    EXPECT_EQ(hash_path("A16CC61A6DD", 2), "A/1/");
    EXPECT_EQ(hash_path(long_queue_id(arrival, 51), 2), "A/1/");
}

TEST(NumberLease, NeverRepeatsAcrossProcesses)
{
    std::string path = "/tmp/posthaste_lease_test." + std::to_string(::getpid());
    std::set<std::uint64_t> seen;
    for (int process = 0; process < 3; ++process) {
        NumberLease lease(path);
        for (int i = 0; i < 70000; ++i) {
            auto number = lease.next();
            ASSERT_TRUE(number);
            ASSERT_TRUE(seen.insert(*number).second);
        }
    }
    ::unlink(path.c_str());
}

}  // namespace
}  // namespace posthaste::queue
