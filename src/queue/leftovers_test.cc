// leftovers_test.cc — which incomplete files are removed, and which are not.
#include "queue/leftovers.h"

#include "base/fd.h"
#include "queue/locks.h"
#include "queue/queue_file.h"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace posthaste::queue {
namespace {

class Leftovers : public testing::Test {
protected:
    Leftovers()
    {
        std::string name = (std::filesystem::temp_directory_path() / "leftovers-test.XXXXXX").string();
        options_.directory = ::mkdtemp(name.data());
        std::filesystem::create_directories(options_.directory + "/hold");
    }
    ~Leftovers() override { std::filesystem::remove_all(options_.directory); }

    // A file of an age in seconds.
    std::string file(const std::string& queue_id, int age, unsigned mode = mode_incomplete) const
    {
        std::string path = options_.directory + "/hold/" + queue_id;
        std::ofstream(path) << "half a mess";
        std::filesystem::permissions(path, std::filesystem::perms(mode));
        std::filesystem::last_write_time(path,
                                         std::filesystem::file_time_type::clock::now() - std::chrono::seconds(age));
        return path;
    }

    QueueOptions options_;
};

TEST_F(Leftovers, OldUnlockedAndIncompleteOnesAreRemoved)
{
    const std::string left = file("3ABCDEF0120", 11);
    const std::string young = file("3ABCDEF0121", 5);  // its writer may be about to lock it
    const std::string complete = file("3ABCDEF0122", 11, 0700);
    const std::string locked = file("3ABCDEF0123", 11);
    auto writer = open_file(locked, O_RDWR);
    MUST(writer);
    MUST(try_lock_range(writer->get(), file_lock_byte, LockMode::Exclusive));
    MUST(remove_left_behind(options_, QueueName::Hold));
    EXPECT_FALSE(std::filesystem::exists(left));
    for (const std::string& path : {young, complete, locked})
        EXPECT_TRUE(std::filesystem::exists(path)) << path;
}

// The walk saw an incomplete file; its writer has completed it and let it go since.
TEST_F(Leftovers, OneThatWasCompletedMeanwhileStays)
{
    const std::string path = file("3ABCDEF0124", 11);
    std::filesystem::permissions(path, std::filesystem::perms(0700));
    remove_if_left_behind(path);
    EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(Leftovers, ALinkIsNoQueueFile)
{
    const std::string path = file("3ABCDEF0125", 11);
    std::filesystem::create_symlink(path, options_.directory + "/hold/3ABCDEF0126");
    remove_if_left_behind(options_.directory + "/hold/3ABCDEF0126");
    EXPECT_TRUE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace posthaste::queue
