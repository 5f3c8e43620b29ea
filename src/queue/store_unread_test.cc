// What lies in the journal beyond the queue manager's position: listed, and found when somebody asks for it.
#include "queue/store.h"

#include "net/tasks.h"
#include "queue/reader.h"
#include "queue/writer.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::queue {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class UnreadTest : public testing::Test {
protected:
    UnreadTest()
    {
        std::string name = (std::filesystem::temp_directory_path() / "unread-test.XXXXXX").string();
        options_.directory = ::mkdtemp(name.data());
        options_.segment_size = 1 << 20;
        options_.journal_message_limit = 1000;
        store_ = std::move(*Store::open(options_));
        writer_ = std::move(*Writer::open(options_, ""));
    }
    ~UnreadTest() override { std::filesystem::remove_all(options_.directory); }

    MessageRef commit(std::size_t size = 10)
    {
        Draft draft = *writer_->begin();
        draft.envelope().recipients = {{"a@example.net"}};
        MUST(draft.append_line(std::string(size, 'x')));
        auto committed = net::run_until_done(writer_->commit(std::move(draft)));
        MUST(committed);
        return committed->ref;
    }
    static std::vector<std::string> ids(const std::vector<LoadedMessage>& messages)
    {
        std::vector<std::string> found;
        for (const LoadedMessage& message : messages)
            found.push_back(message.ref.queue_id);
        return found;
    }

    QueueOptions options_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<Writer> writer_;
};

TEST_F(UnreadTest, lists_what_was_not_read_as_it_was_when_the_list_was_begun)
{
    std::vector<MessageRef> refs;
    for (int i = 0; i < 4; ++i)
        refs.push_back(commit());
    EXPECT_THAT(ids(*store_->next(1)), ElementsAre(refs[0].queue_id));
    auto list = store_->list_unread();
    const MessageRef later = commit();
    EXPECT_THAT(ids(list.next(1)), ElementsAre(refs[1].queue_id));
    ASSERT_EQ(store_->next(10)->size(), 4U);  // nothing counts as read by the list, and the list does not change
    MUST(store_->bury(refs[2]));
    EXPECT_THAT(ids(list.next(10)), ElementsAre(refs[3].queue_id));
    EXPECT_THAT(list.next(10), IsEmpty());
    EXPECT_THAT(store_->list_unread().next(10), IsEmpty());
}

TEST_F(UnreadTest, gives_out_what_is_asked_for_and_passes_over_it_later)
{
    const MessageRef first = commit();
    const MessageRef second = commit();
    EXPECT_THAT(ids(store_->take_unread({second.queue_id, "ABCDEF1"})), ElementsAre(second.queue_id));
    EXPECT_THAT(store_->take_unread({second.queue_id}), IsEmpty());
    EXPECT_THAT(ids(store_->list_unread().next(10)), ElementsAre(first.queue_id));
    EXPECT_EQ(store_->live_in_journal(), 1U);
    EXPECT_THAT(ids(*store_->next(10)), ElementsAre(first.queue_id));
    EXPECT_EQ(store_->live_in_journal(), 2U);
    MUST(store_->bury(second));
    EXPECT_EQ(store_->live_in_journal(), 1U);
}

TEST_F(UnreadTest, gives_out_a_large_message_that_waits_in_incoming)
{
    const MessageRef large = commit(5000);
    EXPECT_THAT(ids(store_->take_unread({large.queue_id})), ElementsAre(large.queue_id));
    EXPECT_TRUE(std::filesystem::exists(options_.directory + "/active/" + large.queue_id));
    EXPECT_THAT(*store_->next(10), IsEmpty());
}

TEST_F(UnreadTest, what_was_expired_by_hand_is_so_after_a_restart_and_when_it_is_moved)
{
    const MessageRef ref = commit();
    const MessageRef large = commit(5000);
    ASSERT_EQ(store_->next(10)->size(), 2U);
    MUST(store_->set_expired(ref));
    MUST(store_->set_expired({.queue = QueueName::Active, .queue_id = large.queue_id}));
    EXPECT_TRUE(Reader(options_).open(ref)) << "an agent still takes it";
    writer_.reset();
    store_.reset();
    store_ = std::move(*Store::open(options_));
    auto found = store_->next(10);
    ASSERT_EQ(found->size(), 1U);
    EXPECT_TRUE(found->front().expired);
    EXPECT_TRUE(store_->load({.queue = QueueName::Active, .queue_id = large.queue_id})->expired);
    auto moved = net::run_until_done(store_->move({{.ref = ref, .retry_at = std::chrono::system_clock::now()}}));
    ASSERT_TRUE(moved.at(0));
    auto again = store_->load(*moved[0]);
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_TRUE(again->expired);
    EXPECT_THAT(again->marks, ElementsAre(RecipientMark::Todo));
    EXPECT_TRUE(Reader(options_).open(*moved[0]));
}

}  // namespace
}  // namespace posthaste::queue
