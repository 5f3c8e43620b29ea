#include "net/send_batch.h"

#include "net/stream.h"
#include "net/tasks.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <liburing.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace posthaste::net {
namespace {

using std::chrono::milliseconds;
using testing::Each;
using testing::ElementsAre;

constexpr milliseconds patience{5000};

std::pair<Stream, Stream> connected_pair()
{
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    return {Stream(UniqueFd(ends[0])), Stream(UniqueFd(ends[1]))};
}

Task<void> write(Stream* stream, std::string bytes, std::vector<Result<void>>* results)
{
    results->push_back(co_await stream->write_together(bytes, Deadline::after(patience)));
}

std::string received(Stream& stream)
{
    static_cast<void>(stream.fill_now());
    return std::string(stream.buffered());
}

Task<std::string> read_to_end(Stream* stream)
{
    std::string all;
    while (co_await stream->fill(Deadline::after(patience))) {
        all += stream->buffered();
        stream->consume(stream->buffered().size());
    }
    co_return all;
}

Task<void> join(TaskGroup* group) { MUST(co_await group->join(Deadline::after(patience))); }

bool kernel_gives_rings()
{
    io_uring ring{};
    const bool given = ::io_uring_queue_init(1, &ring, 0) == 0;
    if (given)
        ::io_uring_queue_exit(&ring);
    return given;
}

bool has_ring()
{
    return std::ranges::any_of(std::filesystem::directory_iterator("/proc/self/fd"), [](const auto& entry) {
        std::error_code gone;
        return std::filesystem::read_symlink(entry.path(), gone) == "anon_inode:[io_uring]";
    });
}

// More than one system call takes.
TEST(SendBatch, SendsWhatManyHaveToSay)
{
    std::vector<std::pair<Stream, Stream>> pairs;
    for (int i = 0; i < 300; ++i)
        pairs.push_back(connected_pair());
    TaskGroup writers;
    std::vector<Result<void>> results;
    for (std::size_t i = 0; i < pairs.size(); ++i)
        writers.start(write(&pairs[i].first, "250 " + std::to_string(i), &results));
    EXPECT_EQ(received(pairs[0].second), "") << "before the end of the turn";
    run_until_done(join(&writers));
    EXPECT_EQ(results.size(), pairs.size());
    for (std::size_t i = 0; i < pairs.size(); ++i)
        EXPECT_EQ(received(pairs[i].second), "250 " + std::to_string(i));
    EXPECT_EQ(has_ring(), kernel_gives_rings()) << "sent one by one";
}

TEST(SendBatch, WaitsForRoomAsAnyWriteDoes)
{
    auto [slow, reader] = connected_pair();
    auto [other, other_reader] = connected_pair();
    const std::string large(1 << 20, 'x');
    TaskGroup writers;
    std::vector<Result<void>> results;
    for (int i = 0; i < 2; ++i) {  // the socket is full from the first of them on
        writers.start(write(i == 0 ? &slow : &other, large, &results));
    }
    std::string first;
    std::string second;
    TaskGroup readers;
    auto read = [](Stream* stream, std::string* all) -> Task<void> { *all = co_await read_to_end(stream); };
    readers.start(read(&reader, &first));
    readers.start(read(&other_reader, &second));
    run_until_done(join(&writers));
    slow.close();
    other.close();
    run_until_done(join(&readers));
    EXPECT_THAT(results, Each(testing::Truly([](const auto& result) { return result.has_value(); })));
    EXPECT_EQ(first, large);
    EXPECT_EQ(second, large);
}

// Another connection may have the number by the end of the turn.
TEST(SendBatch, SendsNothingOfAStreamThatWasClosed)
{
    auto [closed, closed_reader] = connected_pair();
    auto [kept, kept_reader] = connected_pair();
    TaskGroup writers;
    std::vector<Result<void>> results;
    writers.start(write(&closed, "not meant for you", &results));
    writers.start(write(&kept, "250 ok", &results));
    const int number = closed.fd();
    closed.close();
    auto [stranger, stranger_reader] = connected_pair();
    ASSERT_TRUE(stranger.fd() == number || stranger_reader.fd() == number);
    run_until_done(join(&writers));
    EXPECT_EQ(received(kept_reader), "250 ok");
    EXPECT_EQ(received(stranger), "");
    EXPECT_EQ(received(stranger_reader), "");
    ASSERT_EQ(results.size(), 2U);
    const bool first_failed = !results[0];
    EXPECT_EQ(results[first_failed ? 0 : 1].error().kind(), ErrorKind::Cancelled);
    EXPECT_TRUE(results[first_failed ? 1 : 0]);
}

TEST(SendBatch, ForgetsWhoDoesNotWaitAnyMore)
{
    auto [gone, gone_reader] = connected_pair();
    auto [kept, kept_reader] = connected_pair();
    std::vector<Result<void>> results;
    TaskGroup writers;
    {
        TaskGroup destroyed;
        destroyed.start(write(&gone, "never", &results));
    }
    writers.start(write(&kept, "250 ok", &results));
    run_until_done(join(&writers));
    EXPECT_EQ(received(gone_reader), "");
    EXPECT_EQ(received(kept_reader), "250 ok");
    EXPECT_EQ(results.size(), 1U);
}

TEST(SendBatch, TellsOfAPeerThatIsGone)
{
    auto [first, first_reader] = connected_pair();
    auto [second, second_reader] = connected_pair();
    first_reader.close();
    TaskGroup writers;
    std::vector<Result<void>> results;
    writers.start(write(&first, "250 ok", &results));
    writers.start(write(&second, "250 ok", &results));
    run_until_done(join(&writers));
    ASSERT_EQ(results.size(), 2U);
    EXPECT_FALSE(results[0]);
    EXPECT_TRUE(results[1]);
    EXPECT_EQ(received(second_reader), "250 ok");
}

Task<void> answer_and_end_others(Stream* stream, std::unique_ptr<TaskGroup>* others, Stream* another)
{
    MUST(co_await stream->write_together("250 ok", Deadline::after(patience)));
    others->reset();
    another->close();
}

TEST(SendBatch, WhoIsResumedMayEndOthersOfTheSameTurn)
{
    auto [first, first_reader] = connected_pair();
    auto [second, second_reader] = connected_pair();
    auto [third, third_reader] = connected_pair();
    std::vector<Result<void>> results;
    auto others = std::make_unique<TaskGroup>();
    TaskGroup writers;
    writers.start(answer_and_end_others(&first, &others, &third));
    others->start(write(&second, "250 ok", &results));
    writers.start(write(&third, "250 ok", &results));
    run_until_done(join(&writers));
    EXPECT_EQ(received(first_reader), "250 ok");
    EXPECT_EQ(received(second_reader), "250 ok");  // it had been sent
    EXPECT_EQ(received(third_reader), "250 ok");
    EXPECT_EQ(results.size(), 1U);
}

Task<void> send(SendBatch* batch, int fd, std::string bytes, std::vector<int>* results)
{
    results->push_back(co_await batch->send(fd, bytes));
}

TEST(SendBatch, SendsOneByOneWhereTheKernelGivesNoRing)
{
    auto [first, first_reader] = connected_pair();
    auto [second, second_reader] = connected_pair();
    SendBatch batch;
    TaskGroup writers;
    std::vector<int> results;
    writers.start(send(&batch, first.fd(), "250 one", &results));
    writers.start(send(&batch, second.fd(), "250 and two", &results));
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = limit.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    const bool has_input = ::fcntl(STDIN_FILENO, F_GETFD) >= 0;
    EXPECT_TRUE(batch.flush());
    EXPECT_EQ(::fcntl(STDIN_FILENO, F_GETFD) >= 0, has_input);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_THAT(results, ElementsAre(7, 11));
    EXPECT_EQ(received(first_reader), "250 one");
    EXPECT_EQ(received(second_reader), "250 and two");
    EXPECT_FALSE(batch.flush());
}

Task<void> answer_twice(Stream* stream)
{
    MUST(co_await stream->write_together("one ", Deadline::after(patience)));
    MUST(co_await stream->write_together("two", Deadline::after(patience)));
}

TEST(SendBatch, WhoIsResumedMayHaveMoreToSay)
{
    auto [first, first_reader] = connected_pair();
    auto [second, second_reader] = connected_pair();
    TaskGroup writers;
    writers.start(answer_twice(&first));
    writers.start(answer_twice(&second));
    run_until_done(join(&writers));
    EXPECT_EQ(received(first_reader), "one two");
    EXPECT_EQ(received(second_reader), "one two");
}

}  // namespace
}  // namespace posthaste::net
