// The walk finds what hashing put anywhere, and nothing that is no message.
#include "queue/directory_walk.h"

#include "base/fd.h"
#include "queue/queue_file.h"

#include <climits>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <unistd.h>

namespace posthaste::queue {
namespace {

class DirectoryWalk : public testing::Test {
protected:
    void SetUp() override
    {
        options_.directory = "/tmp/posthaste_walk_test." + std::to_string(::getpid());
        std::filesystem::remove_all(options_.directory);
        std::filesystem::create_directories(options_.directory + "/deferred");
    }
    void TearDown() override { std::filesystem::remove_all(options_.directory); }

    void make(const std::string& path)
    {
        MUST(make_parent_directories(options_.directory, path));
        MUST(replace_file(options_.directory + "/" + path, "x", mode_complete));
    }

    Result<std::map<std::string, std::string>> walk()
    {
        std::map<std::string, std::string> found;
        TRY(for_each_file_below(options_, "deferred",
                                [&](const WalkedFile& file) { found[file.queue_id] = file.path; }));
        return found;
    }

    QueueOptions options_;
};

TEST_F(DirectoryWalk, FindsFilesWhereverTheyWereHashed)
{
    make("deferred/ABCDEF0001");
    std::map<std::string, std::string> expected{{"ABCDEF0001", "deferred/ABCDEF0001"}};
    for (unsigned depth : {1U, 16U}) {
        options_.hash_depth = depth;
        std::string id = "0123456789ABCDEF00" + std::to_string(depth);
        std::string path = queue_file_path(options_, QueueName::Deferred, id);
        make(path);
        expected[id] = path;
    }
    EXPECT_EQ(*walk(), expected);
}

TEST_F(DirectoryWalk, WhatIsNotNamedLikeAMessageIsLeftOut)
{
    make("deferred/.ABCDEF0001");
    make("deferred/README.txt");
    make("deferred/.hidden/ABCDEF0002");
    std::filesystem::create_symlink("/etc/passwd", options_.directory + "/deferred/ABCDEF0003");
    EXPECT_TRUE(walk()->empty());
}

TEST_F(DirectoryWalk, ADirectoryThatIsMissingHasNoFiles)
{
    std::filesystem::remove_all(options_.directory);
    EXPECT_TRUE(walk()->empty());
}

TEST_F(DirectoryWalk, AnErrorDoesNotKeepTheRestFromBeingVisited)
{
    // A path that is longer than the system takes, instead of a mode: the superuser may read anything.
    make("deferred/ABCDEF0001");
    make("deferred/B/ABCDEF0002");
    options_.directory += std::string(PATH_MAX - options_.directory.size() - sizeof "/deferred", '/');
    std::size_t found = 0;
    auto walked = for_each_file_below(options_, "deferred", [&](const WalkedFile&) { ++found; });
    EXPECT_FALSE(walked);
    EXPECT_EQ(found, 1U);
}

TEST_F(DirectoryWalk, AnErrorInTheMiddleOfADirectoryIsNotItsEnd)
{
    constexpr std::size_t files = 3000;  // more than one call of getdents(2) brings
    for (std::size_t i = 0; i < files; ++i)
        std::ofstream(options_.directory + "/deferred/" + fmt::format("ABCDE{:05}", i)) << 'x';
    FileWalk walk(options_.directory, "deferred", FileWalk::Detail::Names);
    std::size_t found = walk.next(1).size();
    ASSERT_EQ(found, 1U);
    ASSERT_TRUE(walk.result());
    // From now on its descriptor is no directory any more.
    const std::string path = std::filesystem::canonical(options_.directory + "/deferred");
    UniqueFd file = *open_file("/dev/null", O_RDONLY);
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code error;
        if (std::filesystem::read_symlink(entry.path(), error) == path)
            ASSERT_GE(::dup3(file.get(), std::stoi(entry.path().filename()), O_CLOEXEC), 0);
    }
    for (;;) {
        const std::size_t more = walk.next(files).size();
        if (more == 0)
            break;
        found += more;
    }
    EXPECT_LT(found, files);
    EXPECT_FALSE(walk.result());
}

}  // namespace
}  // namespace posthaste::queue
