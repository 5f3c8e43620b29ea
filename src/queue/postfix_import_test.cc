// What a Postfix left in the queue's directories, as the queue manager and the delivering agents see it.
#include "queue/postfix_import.h"

#include "base/fd.h"
#include "net/tasks.h"
#include "queue/queue_file.h"
#include "queue/queue_id.h"
#include "queue/reader.h"
#include "queue/store.h"

#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace posthaste::queue {
namespace {

constexpr time_t due = 1795250000;

class PostfixQueue : public testing::Test {
protected:
    void SetUp() override
    {
        directory_ = "/tmp/posthaste_import_test." + std::to_string(::getpid());
        std::filesystem::remove_all(directory_);
        options_.directory = directory_;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    void leave(std::string_view content, const std::string& path, mode_t mode = 0700)
    {
        const std::string full = directory_ + "/" + path;
        std::filesystem::create_directories(full.substr(0, full.rfind('/')));
        MUST(replace_file(full, content, mode));
        const timespec times[2] = {{due, 0}, {due, 0}};
        ASSERT_EQ(::utimensat(AT_FDCWD, full.c_str(), times, 0), 0);
    }
    void leave_golden(const std::string& name, const std::string& path, mode_t mode = 0700)
    {
        leave(*read_file("test/golden/postfix/" + name), path, mode);
    }
    bool exists(const std::string& path) { return std::filesystem::exists(directory_ + "/" + path); }
    std::string beginning(const std::string& path) { return read_file(directory_ + "/" + path)->substr(0, 8); }

    QueueOptions options_;
    std::string directory_;
};

std::vector<FileEntry> entries(Store& store, QueueName queue)
{
    std::vector<FileEntry> found;
    MUST(store.for_each_file(queue, [&](const FileEntry& entry) { found.push_back(entry); }));
    return found;
}

TEST_F(PostfixQueue, DeferredMailKeepsItsNameAndTimeAndIsTakenOverWhenItIsDue)
{
    leave_golden("virtual-alias", "deferred/B/B9DBFA8A27A");
    auto store = std::move(*Store::open(options_));
    auto found = entries(*store, QueueName::Deferred);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(std::chrono::system_clock::to_time_t(found[0].retry_at), due);
    EXPECT_EQ(beginning("deferred/B/B9DBFA8A27A").front(), 'C') << "a start converts nothing";

    auto message = store->activate(QueueName::Deferred, "B9DBFA8A27A");
    ASSERT_TRUE(message) << message.error().text();
    EXPECT_EQ(message->envelope.queue_id, "B9DBFA8A27A");
    EXPECT_EQ(message->envelope.sender, "a@example.com");
    EXPECT_EQ(message->marks, std::vector(2, RecipientMark::Todo));
    EXPECT_EQ(beginning("active/B9DBFA8A27A"), "PHAMSG1\n");
    struct stat status{};
    ASSERT_EQ(::stat((directory_ + "/active/B9DBFA8A27A").c_str(), &status), 0);
    EXPECT_EQ(status.st_mtime, due);
    EXPECT_EQ(status.st_mode & 0777U, mode_complete);

    Reader reader(options_);
    auto open = reader.open(message->ref);
    ASSERT_TRUE(open) << open.error().text();
    EXPECT_TRUE(open->content().ends_with("Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\ntext\r\n.dot\r\n"));
    MUST(open->set_mark(1, RecipientMark::Done));
    EXPECT_EQ(store->load(message->ref)->marks[1], RecipientMark::Done);
}

TEST_F(PostfixQueue, RecipientsThatAreDoneAreLeftOut)
{
    leave_golden("partly-done", "deferred/0/0021AA8A321");
    auto store = std::move(*Store::open(options_));
    auto message = store->activate(QueueName::Deferred, "0021AA8A321");
    ASSERT_TRUE(message) << message.error().text();
    ASSERT_EQ(message->envelope.recipients.size(), 2U);
    EXPECT_EQ(message->envelope.recipients[0].address, "x2@far.test");
    EXPECT_EQ(message->envelope.recipients[1].address, "x4@far.test");
}

TEST_F(PostfixQueue, ABounceThatWasNotSentYetIsStillOwed)
{
    leave_golden("partly-done", "active/0021AA8A321");
    leave("\n<bad3@far.test>: no such user\nrecipient=bad3@far.test\noffset=775\nstatus=5.1.1\naction=failed\n\n",
          "bounce/0021AA8A321", 0600);
    auto store = std::move(*Store::open(options_));
    auto message = store->load({.queue = QueueName::Active, .queue_id = "0021AA8A321"});
    ASSERT_TRUE(message) << message.error().text();
    ASSERT_EQ(message->envelope.recipients.size(), 3U);
    EXPECT_EQ(message->envelope.recipients[2].address, "bad3@far.test");
    EXPECT_EQ(message->marks[2], RecipientMark::Bounced);
}

TEST_F(PostfixQueue, WhatPostfixHadOnlyAcceptedIsFound)
{
    leave_golden("dsn", "incoming/5C86EA8A05F");
    leave_golden("dsn", "incoming/AAAAAAAAAAA", 0600);
    auto store = std::move(*Store::open(options_));
    auto found = store->next(10);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 1U) << "what is not complete was never accepted";
    EXPECT_EQ(found->front().ref.queue, QueueName::Active);
    EXPECT_EQ(found->front().envelope.dsn_envid, "env+id");
}

TEST_F(PostfixQueue, HeldMailIsReleasedAndMailThatWasExpiredIsKnown)
{
    leave_golden("hold", "hold/97468A8A105");
    leave_golden("verp", "deferred/C/CEDE2A8A522", 0710);
    auto store = std::move(*Store::open(options_));
    EXPECT_EQ(entries(*store, QueueName::Hold).size(), 1U);
    EXPECT_TRUE(entries(*store, QueueName::Deferred)[0].expired);
    MUST(store->change_queue({.queue = QueueName::Hold, .queue_id = "97468A8A105"}, QueueName::Deferred));
    EXPECT_TRUE(store->activate(QueueName::Deferred, "97468A8A105"));
    EXPECT_TRUE(store->activate(QueueName::Deferred, "CEDE2A8A522"));
}

TEST_F(PostfixQueue, ADamagedFileGoesToCorrupt)
{
    std::string cut = *read_file("test/golden/postfix/dsn");
    cut.resize(cut.size() - 2);
    leave(cut, "deferred/5/5C86EA8A05F");
    auto store = std::move(*Store::open(options_));
    auto message = store->activate(QueueName::Deferred, "5C86EA8A05F");
    ASSERT_FALSE(message);
    EXPECT_EQ(message.error().kind(), ErrorKind::Corrupt);
    EXPECT_TRUE(exists("corrupt/5C86EA8A05F"));
    EXPECT_FALSE(exists("active/5C86EA8A05F"));
    EXPECT_EQ(*read_file(directory_ + "/corrupt/5C86EA8A05F"), cut);
}

TEST_F(PostfixQueue, AConversionThatWasCutOffIsForgotten)
{
    leave_golden("dsn", "active/5C86EA8A05F");
    leave("half a mess", "active/.postfix-5C86EA8A05F", 0600);
    auto store = std::move(*Store::open(options_));
    EXPECT_FALSE(exists("active/.postfix-5C86EA8A05F"));
    EXPECT_TRUE(store->load({.queue = QueueName::Active, .queue_id = "5C86EA8A05F"}));
}

TEST_F(PostfixQueue, MailThatCannotBeConvertedNowStaysWhereItIs)
{
    leave_golden("dsn", "deferred/5/5C86EA8A05F");
    auto store = std::move(*Store::open(options_));
    leave("", "active/.postfix-5C86EA8A05F/in-the-way", 0600);
    EXPECT_FALSE(store->activate(QueueName::Deferred, "5C86EA8A05F"));
    EXPECT_EQ(beginning("deferred/5/5C86EA8A05F").front(), 'C');
}

TEST_F(PostfixQueue, FilesLieWhereOurHashingLooksForThem)
{
    // As Debian's Postfix had them with hash_queue_depth = 2.
    EXPECT_EQ(hash_path("4jWhDk0qssz1cJ0n", 2), "1/C/");
    EXPECT_EQ(hash_path("4jWhDj73Czz1cHy9", 2), "F/2/");
    EXPECT_EQ(hash_path("0021AA8A321", 1), "0/");
}

}  // namespace
}  // namespace posthaste::queue
