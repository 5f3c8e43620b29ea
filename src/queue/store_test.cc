// The queue from both ends: a Writer commits, a Store finds, a Reader delivers and marks.
#include "queue/store.h"

#include "net/tasks.h"
#include "queue/locks.h"
#include "queue/positions.h"
#include "queue/queue_file.h"
#include "queue/reader.h"
#include "queue/segment.h"
#include "queue/writer.h"

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>

namespace posthaste::queue {
namespace {

using net::run_until_done;

class Queue : public testing::Test {
protected:
    void SetUp() override
    {
        directory_ = "/tmp/posthaste_queue_test." + std::to_string(::getpid());
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
        options_.directory = directory_;
        options_.segment_size = smallest_segment;
        options_.journal_message_limit = 32 << 10;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::unique_ptr<Writer> writer() { return std::move(*Writer::open(options_, "")); }
    std::unique_ptr<Store> store() { return std::move(*Store::open(options_)); }

    Committed commit(Writer& writer, const std::string& recipient, std::size_t body = 100)
    {
        Draft draft = *writer.begin();
        draft.envelope().sender = "sender@example.com";
        draft.envelope().recipients = {{recipient}};
        MUST(draft.append_line("Subject: test"));
        MUST(draft.append_line(""));
        draft.end_of_header();
        while (draft.facts().size < body)
            MUST(draft.append_line(".line of the body"));
        auto committed = run_until_done(writer.commit(std::move(draft)));
        MUST(committed);
        return *committed;
    }

    void deliver(const MessageRef& ref, RecipientMark mark = RecipientMark::Done)
    {
        Reader reader(options_);
        auto message = reader.open(ref);
        ASSERT_TRUE(message) << message.error().text();
        for (std::size_t i = 0; i < message->envelope().recipients.size(); ++i)
            MUST(message->set_mark(i, mark));
    }

    QueueOptions options_;
    std::string directory_;
};

TEST_F(Queue, WhatWasCommittedIsFoundReadMarkedAndBuried)
{
    auto queue = store();
    auto in = writer();
    Committed committed = commit(*in, "a@example.net");
    auto found = queue->next(10);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ(found->front().ref, committed.ref);
    EXPECT_EQ(found->front().envelope.recipients.front().address, "a@example.net");
    EXPECT_TRUE(found->front().facts.dot_lines);
    EXPECT_EQ(found->front().facts.header_size, 17U);
    EXPECT_TRUE(queue->next(10)->empty());

    Reader reader(options_);
    auto message = reader.open(committed.ref);
    ASSERT_TRUE(message);
    EXPECT_TRUE(message->content().starts_with("Subject: test\r\n\r\n.line of the body\r\n"));
    EXPECT_TRUE(queue->busy(committed.ref));
    MUST(message->set_mark(0, RecipientMark::Done));
    message = fail(ErrorKind::Cancelled, "closed");
    EXPECT_FALSE(queue->busy(committed.ref));
    EXPECT_EQ(queue->load(committed.ref)->marks.front(), RecipientMark::Done);
    MUST(queue->bury(committed.ref));
    EXPECT_EQ(reader.open(committed.ref).error().kind(), ErrorKind::NotFound);
}

Task<void> commit_in_one_turn(Writer* writer, std::size_t* committed)
{
    Draft draft = *writer->begin();
    draft.envelope().recipients = {{"a@example.net"}};
    MUST(draft.append_line("Subject: test"));
    draft.end_of_header();
    auto result = co_await writer->commit(std::move(draft));
    *committed += result.has_value() ? 1 : 0;
}

// The loop does not get its turn until the first of them are durable.
Task<void> commit_many_in_one_turn(Writer* writer, Store* queue, std::size_t* committed)
{
    net::TaskGroup tasks;
    std::size_t found = 0;
    for (int i = 0; i < 20; ++i) {
        tasks.start(commit_in_one_turn(writer, committed));
        for (int waited = 0; i == 7 && found == 0 && waited < 10000; ++waited) {
            found = queue->next(100)->size();
            ::usleep(1000);
        }
    }
    EXPECT_EQ(found, 8U);
    EXPECT_EQ(*committed, 0U);  // nobody was told yet
    while (!tasks.empty())
        co_await net::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(*committed, 20U);
    EXPECT_EQ(queue->next(100)->size(), 12U);
}

TEST_F(Queue, TheDiskBeginsWhileATurnOfTheLoopIsStillTakingInMessages)
{
    auto queue = store();
    auto in = writer();
    std::size_t committed = 0;
    run_until_done(commit_many_in_one_turn(in.get(), queue.get(), &committed));
}

TEST_F(Queue, DeliveriesOfOneMessageShareItsEnvelope)
{
    auto in = writer();
    Draft draft = *in->begin();
    draft.envelope().recipients = {{"a@example.net"}, {"b@example.net"}};
    MUST(draft.append_line("Subject: test"));
    draft.end_of_header();
    auto committed = run_until_done(in->commit(std::move(draft)));
    ASSERT_TRUE(committed);
    Reader reader(options_);
    {
        auto first = reader.open(committed->ref);
        auto second = reader.open(committed->ref);
        ASSERT_TRUE(first && second);
        EXPECT_EQ(&first->envelope(), &second->envelope());
        MUST(first->set_mark(0, RecipientMark::Done));
        EXPECT_EQ(second->mark(0), RecipientMark::Done);
    }
    EXPECT_FALSE(store()->busy(committed->ref));
    EXPECT_EQ(reader.open(committed->ref)->mark(0), RecipientMark::Done);
}

TEST_F(Queue, ANewSchedulerFindsWhatIsNotDone)
{
    auto in = writer();
    Committed first = commit(*in, "a@example.net");
    Committed second = commit(*in, "b@example.net");
    deliver(first.ref);
    auto queue = store();  // the writer still lives: its segment is only followed
    auto found = queue->next(10);
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ(found->front().ref, second.ref);
}

// What a newer release left behind: nothing of it is believed, moved or overwritten, and everything else goes on.
TEST_F(Queue, ASegmentOfANewerReleaseIsRefusedAndLeftAsItIs)
{
    Committed theirs = commit(*writer(), "a@example.net");
    const std::string path = segment_path(directory_, theirs.ref.segment);
    std::string bytes = *read_file(path);
    for (std::size_t copy : {0U, 2048U})
        bytes[copy + offsetof(SegmentHeader, version)] = 9;
    MUST(replace_file(path, bytes, 0600));
    const timespec long_ago[2] = {{.tv_sec = 1000, .tv_nsec = 0}, {.tv_sec = 1000, .tv_nsec = 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), long_ago, 0), 0);

    auto queue = store();
    auto readable = queue->is_all_readable();
    ASSERT_FALSE(readable);
    EXPECT_EQ(readable.error().kind(), ErrorKind::Unsupported);
    EXPECT_EQ(SegmentFile::open(directory_, theirs.ref.segment).error().text(),
              "journal/00000001: written by a newer release of this mail system, in format 9, while this one reads "
              "format 1: it is left as it is; install that release again");
    auto in = writer();
    Committed ours = commit(*in, "b@example.net");
    EXPECT_NE(ours.ref.segment, theirs.ref.segment);
    auto found = queue->next(10);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ(found->front().ref, ours.ref);
    MUST(run_until_done(queue->upkeep()));
    EXPECT_EQ(*read_file(path), bytes);
    EXPECT_TRUE(std::filesystem::is_empty(directory_ + "/corrupt"));
}

TEST_F(Queue, AQueueFileOfANewerReleaseIsRefusedAndLeftAsItIs)
{
    MUST(replace_file(directory_ + "/golden", *read_file("test/golden/queue-file-v1.bin"), 0700));
    EXPECT_TRUE(FileReader::open(directory_, "golden")) << "version 1 is read";
    std::string bytes = *read_file("test/golden/queue-file-v1.bin");
    bytes[offsetof(FileHeader, version)] = 2;
    auto queue = store();
    const std::string path = queue->path_of(QueueName::Deferred, "A1B2C10000");
    std::filesystem::create_directories(std::filesystem::path(directory_ + "/" + path).parent_path());
    MUST(replace_file(directory_ + "/" + path, bytes, 0700));
    auto refused = queue->activate(QueueName::Deferred, "A1B2C10000");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind(), ErrorKind::Unsupported);
    EXPECT_NE(refused.error().text().find("in format 2, while this one reads format 1"), std::string::npos);
    EXPECT_EQ(read_summary(directory_ + "/" + path).error().kind(), ErrorKind::Unsupported);
    EXPECT_EQ(*read_file(directory_ + "/" + path), bytes) << "and it is where it was";
    EXPECT_TRUE(std::filesystem::is_empty(directory_ + "/corrupt"));
}

TEST_F(Queue, AFileOfANewerReleaseInIncomingIsLookedAtOnce)
{
    std::string bytes = *read_file("test/golden/queue-file-v1.bin");
    bytes[offsetof(FileHeader, version)] = 2;
    auto queue = store();
    const std::string path = directory_ + "/incoming/A1B2C10000";
    MUST(replace_file(path, bytes, 0700));
    auto changed = [&] { return std::filesystem::last_write_time(directory_ + "/incoming"); };
    ASSERT_TRUE(queue->next(10));
    EXPECT_EQ(*read_file(path), bytes) << "and it is where it was";
    const auto before = changed();
    const Committed ours = commit(*writer(), "b@example.net");
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(queue->next(10));
    EXPECT_EQ(changed(), before) << "it is not moved again";
    EXPECT_TRUE(queue->take_stranded().empty());
}

// Version 1 as it was written when it was the newest: header, one frame and its envelope, in a segment.
TEST_F(Queue, ASegmentOfVersion1IsRead)
{
    const std::string golden = *read_file("test/golden/segment-v1.bin");
    SegmentHeader header;
    std::memcpy(&header, golden.data(), sizeof header);
    std::string bytes(header.size, '\0');
    bytes.replace(0, sizeof header, golden.substr(0, sizeof header));
    bytes.replace(header.frames_offset, golden.size() - sizeof header, golden.substr(sizeof header));
    std::filesystem::create_directories(directory_ + "/journal");
    MUST(replace_file(segment_path(directory_, header.number), bytes, 0600));
    auto file = SegmentFile::open(directory_, header.number);
    ASSERT_TRUE(file) << file.error().text();
    auto frame = (*file)->frame_at(header.frames_offset, *(*file)->header());
    ASSERT_TRUE(frame);
    EXPECT_TRUE((*file)->hashes_match(header.frames_offset, *frame));
    EXPECT_EQ((*file)->content(header.frames_offset, *frame), "Subject: golden\r\n\r\n.dot\r\n");
    EXPECT_EQ(decode_envelope((*file)->envelope(header.frames_offset, *frame))->envelope.queue_id, "A1B2C10000");
}

TEST_F(Queue, OnlyOneScheduler)
{
    auto queue = store();
    auto other = Store::open(options_);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().kind(), ErrorKind::Exists);
}

TEST_F(Queue, DeadSegmentsAreRecycledUnderLoad)
{
    auto queue = store();
    auto in = writer();
    std::size_t delivered = 0;
    for (int round = 0; round < 40; ++round) {
        for (int i = 0; i < 8; ++i)
            commit(*in, "a@example.net", 5000);
        for (const LoadedMessage& message : *queue->next(100)) {
            deliver(message.ref);
            MUST(queue->bury(message.ref));
            ++delivered;
        }
        MUST(run_until_done(queue->upkeep()));
    }
    EXPECT_EQ(delivered, 320U);
    // 320 messages of 5 KB are seven segments' worth; far fewer exist because they were used again.
    EXPECT_LE(list_segments(directory_)->size(), 6U);
}

TEST_F(Queue, AFileThatWasRemovedByHandIsNoticedByItsReaders)
{
    auto in = writer();
    commit(*in, "a@example.net", 200'000);
    auto queue = store();
    auto found = queue->next(10);
    ASSERT_EQ(found->size(), 1U);
    const MessageRef ref = found->front().ref;
    Reader reader(options_);
    auto message = reader.open(ref);
    ASSERT_TRUE(message);
    EXPECT_TRUE(message->still_valid());
    ASSERT_TRUE(std::filesystem::remove(directory_ + "/" + queue_file_path(options_, ref.queue, ref.queue_id)));
    EXPECT_FALSE(message->still_valid());
    EXPECT_EQ(reader.open(ref).error().kind(), ErrorKind::NotFound);
}

TEST_F(Queue, LargeMessagesGoThroughIncoming)
{
    auto queue = store();
    auto in = writer();
    Committed committed = commit(*in, "a@example.net", 200'000);
    EXPECT_EQ(committed.ref.queue, QueueName::Incoming);
    auto found = queue->next(10);
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ(found->front().ref.queue, QueueName::Active);
    Reader reader(options_);
    auto message = reader.open(found->front().ref);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->content().size(), committed.facts.size);
    EXPECT_TRUE(queue->busy(found->front().ref));
}

TEST_F(Queue, ADroppedDraftLeavesNothing)
{
    auto in = writer();
    {
        Draft draft = *in->begin();
        for (int i = 0; i < 10'000; ++i)
            MUST(draft.append_line("spilled"));
        EXPECT_FALSE(std::filesystem::is_empty(directory_ + "/incoming"));
    }
    EXPECT_TRUE(std::filesystem::is_empty(directory_ + "/incoming"));
}

TEST_F(Queue, SurvivorsMoveToDeferredWithTimeAndMarks)
{
    auto queue = store();
    auto in = writer();
    std::vector<Store::Survivor> survivors;
    WallTime later = std::chrono::system_clock::now() + std::chrono::hours(1);
    for (int i = 0; i < 20; ++i)
        commit(*in, "a@example.net");
    for (const LoadedMessage& message : *queue->next(100))
        survivors.push_back({message.ref, QueueName::Deferred, later});
    auto moved = run_until_done(queue->move(survivors));
    ASSERT_EQ(moved.size(), 20U);
    for (const auto& result : moved)
        ASSERT_TRUE(result) << result.error().text();
    EXPECT_EQ(queue->live_in_journal(), 0U);
    std::size_t files = 0;
    MUST(queue->for_each_file(QueueName::Deferred, [&](const FileEntry& entry) {
        ++files;
        EXPECT_LT(std::chrono::abs(entry.retry_at - later), std::chrono::milliseconds(1));
    }));
    EXPECT_EQ(files, 20U);
    auto active = queue->activate(QueueName::Deferred, moved.front()->queue_id);
    ASSERT_TRUE(active) << active.error().text();
    EXPECT_EQ(active->envelope.recipients.front().address, "a@example.net");
    MUST(queue->bury(active->ref));
    EXPECT_FALSE(std::filesystem::exists(directory_ + "/active/" + active->ref.queue_id));
}

TEST_F(Queue, FileWinsOverJournalCopyAfterACrash)
{
    auto in = writer();
    Committed committed = commit(*in, "a@example.net");
    {
        auto queue = store();
        static_cast<void>(queue->next(10));
        auto moved = run_until_done(queue->move({{committed.ref, QueueName::Deferred, WallTime{}}}));
        MUST(moved.front());
    }
    // As if the Moved mark had not reached the disk: set it back to Live.
    auto segment = *SegmentFile::open(directory_, committed.ref.segment);
    auto header = *segment->header();
    MUST(segment->set_mark(*segment->frame_at(committed.ref.offset, header), header, 0,
                           static_cast<std::uint8_t>(MessageMark::Live)));
    auto queue = store();
    EXPECT_TRUE(queue->next(10)->empty());
}

TEST_F(Queue, FilesMayBeScheduledOnlyWhenTheJournalWasRead)
{
    {
        auto in = writer();
        commit(*in, "a@example.net");
    }
    auto queue = store();
    EXPECT_FALSE(queue->is_recovered());
    MUST(run_until_done(queue->upkeep()));  // notices that the writer is gone
    EXPECT_EQ(queue->next(10)->size(), 1U);
    EXPECT_FALSE(queue->is_recovered());  // marks that were set on the way are not durable yet
    MUST(run_until_done(queue->upkeep()));
    EXPECT_TRUE(queue->is_recovered());
}

TEST_F(Queue, APlaceThatAnAgentHoldsIsNotUsedAgain)
{
    auto queue = store();
    Committed committed;
    {
        auto in = writer();
        committed = commit(*in, "a@example.net");
    }
    ASSERT_EQ(queue->next(10)->size(), 1U);
    Reader reader(options_);
    auto state = [&] { return (*SegmentFile::open(directory_, committed.ref.segment))->header()->state; };
    {
        auto message = reader.open(committed.ref);
        ASSERT_TRUE(message);
        MUST(queue->bury(committed.ref));
        EXPECT_EQ(queue->live_in_journal(), 0U);
        for (int i = 0; i < 3; ++i) {
            MUST(run_until_done(queue->upkeep()));
            static_cast<void>(queue->next(10));
        }
        EXPECT_EQ(state(), SegmentState::InUse);
    }
    MUST(run_until_done(queue->upkeep()));
    EXPECT_EQ(state(), SegmentState::Free);
}

TEST_F(Queue, BuriedTwiceCountsOnce)
{
    auto queue = store();
    auto in = writer();
    Committed removed = commit(*in, "removed@example.net");
    Committed live = commit(*in, "live@example.net");
    ASSERT_EQ(queue->next(10)->size(), 2U);
    MUST(queue->bury(removed.ref));
    MUST(queue->bury(removed.ref));
    EXPECT_EQ(queue->live_in_journal(), 1U);
    in.reset();  // the segment has no writer any more, and one message
    MUST(run_until_done(queue->upkeep()));
    MUST(run_until_done(queue->upkeep()));
    EXPECT_TRUE(queue->load(live.ref));
}

Task<void> move_to_hold(Store* queue, MessageRef ref, bool* moved)
{
    auto results = co_await queue->move({{.ref = ref, .to = QueueName::Hold, .retry_at = {}}});
    *moved = results.front().has_value();
}

Task<void> meddle_while_it_moves(Store* queue, MessageRef ref)
{
    bool moved = false;
    net::TaskGroup tasks;
    tasks.start(move_to_hold(queue, ref, &moved));
    for (int i = 0; i < 30000 && !moved; ++i) {
        EXPECT_TRUE(queue->busy(ref));
        EXPECT_FALSE(queue->bury(ref));
        EXPECT_TRUE(queue->for_each_file(QueueName::Hold, [](const FileEntry&) {}));
        co_await net::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(moved);
}

TEST_F(Queue, WhatIsBeingMovedIsLeftAlone)
{
    auto queue = store();
    auto in = writer();
    Committed committed = commit(*in, "later@example.net");
    ASSERT_EQ(queue->next(10)->size(), 1U);
    run_until_done(meddle_while_it_moves(queue.get(), committed.ref));
    EXPECT_TRUE(queue->load({.queue = QueueName::Hold, .queue_id = committed.ref.queue_id}));
    EXPECT_EQ(queue->live_in_journal(), 0U);
}

TEST_F(Queue, DamageIsSetAsideAndTheRestIsFound)
{
    Committed damaged;
    Committed last;
    {
        auto in = writer();
        commit(*in, "a@example.net");
        damaged = commit(*in, "b@example.net");
        last = commit(*in, "c@example.net");
    }
    {
        UniqueFd fd = *open_file(segment_path(directory_, damaged.ref.segment), O_RDWR);
        MUST(write_fully_at(fd.get(), "garbage", static_cast<off_t>(damaged.ref.offset + sizeof(FrameHeader) + 3)));
        std::filesystem::remove(directory_ + "/journal/positions");
    }
    auto queue = store();
    MUST(run_until_done(queue->upkeep()));  // notices that the writer is gone
    auto found = queue->next(10);
    ASSERT_EQ(found->size(), 2U);
    EXPECT_EQ(found->back().ref, last.ref);
    EXPECT_FALSE(std::filesystem::is_empty(directory_ + "/corrupt"));
}

// The writer died with its process, not with the power: what it had published was acknowledged.
TEST_F(Queue, DamageInTheLastBatchIsSetAsideIfItHadBeenPublished)
{
    auto in = writer();
    commit(*in, "a@example.net");
    Committed last = commit(*in, "b@example.net");
    in.reset();
    UniqueFd fd = *open_file(segment_path(directory_, last.ref.segment), O_RDWR);
    MUST(write_fully_at(fd.get(), "garbage", static_cast<off_t>(last.ref.offset + sizeof(FrameHeader) + 3)));
    auto queue = store();
    MUST(run_until_done(queue->upkeep()));
    EXPECT_EQ(queue->next(10)->size(), 1U);
    EXPECT_FALSE(std::filesystem::is_empty(directory_ + "/corrupt"));
}

TEST_F(Queue, AnIncompleteTailIsDropped)
{
    Committed last;
    {
        auto in = writer();
        commit(*in, "a@example.net");
        last = commit(*in, "b@example.net");
    }
    UniqueFd fd = *open_file(segment_path(directory_, last.ref.segment), O_RDWR);
    MUST(write_fully_at(fd.get(), "torn", static_cast<off_t>(last.ref.offset + sizeof(FrameHeader))));
    std::filesystem::remove(directory_ + "/journal/positions");
    auto queue = store();
    MUST(run_until_done(queue->upkeep()));
    EXPECT_EQ(queue->next(10)->size(), 1U);
    EXPECT_TRUE(std::filesystem::is_empty(directory_ + "/corrupt"));
}

TEST_F(Queue, NothingBeyondThePublishedEndIsReadWhileTheWriterLives)
{
    auto in = writer();
    Committed committed = commit(*in, "a@example.net");
    auto positions = *Positions::open(directory_);
    positions->publish(committed.ref.segment, committed.ref.offset);  // as if the flush had not ended
    auto queue = store();
    MUST(run_until_done(queue->upkeep()));
    EXPECT_TRUE(queue->next(10)->empty());
    in.reset();  // the writer goes: its segment is read to the end
    EXPECT_EQ(queue->next(10)->size(), 1U);
}

TEST_F(Queue, AVeryLongRecipientListGetsAFile)
{
    auto in = writer();
    auto queue = store();
    Draft draft = *in->begin();
    for (int i = 0; i < 10'000; ++i)
        draft.envelope().recipients.push_back({"user" + std::to_string(i) + "@example.net"});
    MUST(draft.append_line("x"));
    auto committed = run_until_done(in->commit(std::move(draft)));
    ASSERT_TRUE(committed);
    EXPECT_EQ(committed->ref.queue, QueueName::Incoming);
    EXPECT_EQ(queue->next(1)->front().marks.size(), 10'000U);
}

}  // namespace
}  // namespace posthaste::queue
