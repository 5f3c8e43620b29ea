// cdb: tables, written and read, and what happens when their file is not what it was.
#include "base/fd.h"
#include "table/table.h"
#include "table/writer.h"

#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace posthaste::table {
namespace {

class Cdb : public ::testing::Test {
protected:
    void SetUp() override { std::filesystem::create_directories(directory_); }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::unique_ptr<Writer> writer(WriterOptions options = {})
    {
        auto opened = open_writer("cdb", name_, options);
        EXPECT_TRUE(opened) << opened.error().text();
        return std::move(*opened);
    }
    void make(std::string_view key, std::string_view value, WriterOptions options = {})
    {
        auto table = writer(options);
        EXPECT_TRUE(*table->put(key, value, OnDuplicate::Keep));
        MUST(table->commit());
    }
    std::unique_ptr<Table> table()
    {
        auto opened = open("cdb:" + name_, {.warn = [](std::string_view) {}});
        EXPECT_TRUE(opened) << opened.error().text();
        return std::move(*opened);
    }
    static std::string ask(Table& table, std::string_view key)
    {
        Answer answer = table.lookup(key).take_ready();
        return answer ? answer->value_or("(not found)") : "error: " + answer.error().text();
    }

    std::string directory_ =
        fmt::format("{}/posthaste-cdb-{}", std::filesystem::temp_directory_path().string(), getpid());
    std::string name_ = directory_ + "/t";
};

TEST_F(Cdb, FindsWhatWasWritten)
{
    auto made = writer();
    EXPECT_TRUE(*made->put("key1", "one", OnDuplicate::Keep));
    EXPECT_TRUE(*made->put("key2", "", OnDuplicate::Keep));
    EXPECT_FALSE(*made->put("key1", "other", OnDuplicate::Keep));
    MUST(made->commit());
    auto made_table = table();
    EXPECT_EQ(ask(*made_table, "KEY1"), "one");
    EXPECT_EQ(ask(*made_table, "key2"), "");
    EXPECT_EQ(ask(*made_table, "key"), "(not found)");
    EXPECT_EQ(ask(*made_table, ""), "(not found)");
    std::string listed;
    MUST(made_table->for_each([&](std::string_view key, std::string_view value) -> Result<void> {
        listed += fmt::format("{}={};", key, value);
        return {};
    }));
    EXPECT_EQ(listed, "key1=one;key2=;");
}

TEST_F(Cdb, ALaterEntryReplacesWhereThatIsAskedFor)
{
    auto made = writer();
    EXPECT_TRUE(*made->put("k", "old", OnDuplicate::Replace));
    EXPECT_FALSE(*made->put("k", "new", OnDuplicate::Replace));
    MUST(made->commit());
    EXPECT_EQ(ask(*table(), "k"), "new");
}

TEST_F(Cdb, KeysMayEndWithNul)
{
    make("k", "v", {.ending = KeyEnding::Nul});
    EXPECT_EQ(ask(*table(), "k"), "v");
    EXPECT_NE((*read_file(name_ + ".cdb")).find(std::string_view("k\0v\0", 4)), std::string::npos);
    make("k", "v");
    EXPECT_EQ((*read_file(name_ + ".cdb")).find(std::string_view("k\0v\0", 4)), std::string::npos);
}

TEST_F(Cdb, ANewFileIsUsed)
{
    make("k", "old");
    auto opened = table();
    EXPECT_EQ(ask(*opened, "k"), "old");
    make("k", "newer");
    MUST(opened->reopen_if_changed());
    EXPECT_EQ(ask(*opened, "k"), "newer");
}

TEST_F(Cdb, AFileThatIsCutOffIsAnErrorAndNotACrash)
{
    make("k", "v");
    auto opened = table();
    ASSERT_EQ(truncate((name_ + ".cdb").c_str(), 100), 0);
    Answer answer = opened->lookup("k").take_ready();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind(), ErrorKind::Temporary);
    EXPECT_FALSE(open("cdb:" + name_));
}

TEST_F(Cdb, DamageIsAnErrorOrNothing)
{
    make("k", "v");
    const std::string path = name_ + ".cdb";
    const std::string whole = *read_file(path);
    for (std::size_t i = 0; i < whole.size(); i += 7) {
        std::string damaged = whole;
        damaged[i] = static_cast<char>(~damaged[i]);
        MUST(replace_file(path, damaged));
        auto opened = open("cdb:" + name_);
        if (!opened)
            continue;
        (void)(*opened)->lookup("k").take_ready();
        (void)(*opened)->for_each([](std::string_view, std::string_view) -> Result<void> { return {}; });
    }
}

TEST_F(Cdb, CannotBeChanged)
{
    make("k", "v");
    auto changed = open_writer("cdb", name_, {.start = Replacement::Start::CopyOfOld});
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().kind(), ErrorKind::Unsupported);
    EXPECT_EQ(ask(*table(), "k"), "v");
}

}  // namespace
}  // namespace posthaste::table
