// in_flow_delay: when the queue manager counts as behind, and that both sides count.
#include "queue/in_flow.h"

#include "net/tasks.h"
#include "queue/store.h"
#include "queue/writer.h"

#include <filesystem>
#include <gtest/gtest.h>

namespace posthaste::queue {
namespace {

using namespace std::chrono_literals;

class InFlowTest : public testing::Test {
protected:
    void at(net::Clock::duration time, std::uint64_t committed, std::uint64_t taken)
    {
        now_ = begin_ + time;
        flow_.committed = committed;
        flow_.taken = taken;
    }
    bool is_behind() { return in_flow_.is_behind(now_); }

    Positions::Flow flow_{.committed = 0, .taken = 0, .is_counted = 1};
    InFlow in_flow_{&flow_};
    net::Clock::time_point begin_ = net::Clock::now();
    net::Clock::time_point now_ = begin_;
};

TEST_F(InFlowTest, takes_a_burst_at_once)
{
    at(0s, 2000, 0);
    EXPECT_FALSE(is_behind());
    at(0s, 2001, 0);
    EXPECT_TRUE(is_behind());
}

TEST_F(InFlowTest, does_not_slow_down_what_is_taken_within_a_second)
{
    at(0s, 0, 0);
    EXPECT_FALSE(is_behind());
    at(500ms, 14000, 8000);
    EXPECT_FALSE(is_behind());
    at(500ms, 16001, 8000);
    EXPECT_TRUE(is_behind());
}

TEST_F(InFlowTest, looks_at_the_last_two_seconds_only)
{
    at(0s, 100'000, 100'000);
    EXPECT_FALSE(is_behind());
    at(1s, 110'000, 105'000);  // it took 5,000 and 5,000 wait
    EXPECT_FALSE(is_behind());
    at(1900ms, 110'000, 106'000);  // 6,000 since the beginning
    EXPECT_FALSE(is_behind());
    at(2500ms, 110'000, 106'500);  // 1,500 in the last second and a half, and 3,500 wait
    EXPECT_TRUE(is_behind());
    at(2500ms, 110'000, 108'000);
    EXPECT_FALSE(is_behind());
}

TEST_F(InFlowTest, what_it_took_before_a_pause_does_not_count)
{
    at(0s, 100'000, 100'000);
    EXPECT_FALSE(is_behind());
    at(1h, 160'000, 150'000);
    EXPECT_TRUE(is_behind());
}

TEST_F(InFlowTest, a_queue_manager_that_does_not_count_is_not_behind)
{
    flow_.is_counted = 0;
    at(0s, 100'000, 0);
    EXPECT_FALSE(is_behind());
}

TEST_F(InFlowTest, without_room_for_the_figures_nobody_is_behind) { EXPECT_FALSE(InFlow(nullptr).is_behind(now_)); }

class CountingTest : public testing::Test {
protected:
    CountingTest()
    {
        std::string name = (std::filesystem::temp_directory_path() / "in-flow-test.XXXXXX").string();
        options_.directory = ::mkdtemp(name.data());
        options_.segment_size = 1 << 20;
        options_.journal_message_limit = 1000;
    }
    ~CountingTest() override { std::filesystem::remove_all(options_.directory); }

    static void commit(Writer& writer, std::size_t size)
    {
        Draft draft = *writer.begin();
        draft.envelope().recipients = {{"a@example.net"}};
        MUST(draft.append_line(std::string(size, 'x')));
        MUST(net::run_until_done(writer.commit(std::move(draft))));
    }
    // Committed, and taken.
    std::pair<std::uint64_t, std::uint64_t> counts()
    {
        auto positions = *Positions::open(options_.directory);
        return {positions->flow()->committed, positions->flow()->taken};
    }

    QueueOptions options_;
};

TEST_F(CountingTest, each_message_counts_once_on_each_side)
{
    auto store = *Store::open(options_);
    auto writer = *Writer::open(options_, "");
    commit(*writer, 10);
    commit(*writer, 10);
    commit(*writer, 5000);  // a file of its own
    EXPECT_EQ(counts(), std::pair(3UL, 0UL));
    ASSERT_EQ(store->next(2)->size(), 2U);
    EXPECT_EQ(counts(), std::pair(3UL, 2UL));
    ASSERT_EQ(store->next(2)->size(), 1U);
    EXPECT_EQ(counts(), std::pair(3UL, 3UL));
}

TEST_F(CountingTest, a_new_queue_manager_that_has_read_everything_is_not_ahead)
{
    {
        auto writer = *Writer::open(options_, "");
        commit(*writer, 10);
        commit(*writer, 10);
        ASSERT_EQ((*Store::open(options_))->next(10)->size(), 2U);
    }
    auto store = *Store::open(options_);
    ASSERT_EQ(store->next(2)->size(), 2U);  // for the second time
    EXPECT_EQ(counts(), std::pair(2UL, 2UL));
}

TEST_F(CountingTest, what_a_killed_writer_did_not_count_is_made_good)
{
    auto store = *Store::open(options_);
    auto writer = *Writer::open(options_, "");
    commit(*writer, 10);
    (*Positions::open(options_.directory))->flow()->committed = 0;
    ASSERT_EQ(store->next(10)->size(), 1U);
    EXPECT_EQ(counts(), std::pair(0UL, 0UL));
    commit(*writer, 10);
    EXPECT_EQ(counts(), std::pair(1UL, 0UL));
}

}  // namespace
}  // namespace posthaste::queue
