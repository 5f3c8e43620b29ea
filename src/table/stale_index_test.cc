// Indexes that are older than their sources, and files that a confined process cannot open again.
#include "table/followed_file.h"
#include "table/table.h"
#include "table/tool.h"

#include "base/fd.h"

#include <array>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace posthaste::table {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 4> types{
    {{"hash", ".db"}, {"btree", ".db"}, {"lmdb", ".lmdb"}, {"cdb", ".cdb"}}};

class StaleIndexTest : public ::testing::Test {
protected:
    void SetUp() override { std::filesystem::create_directories(directory_); }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::string write(const std::string& name, std::string_view content)
    {
        std::string path = directory_ + "/" + name;
        MUST(replace_file(path, content));
        return path;
    }
    // Seconds before now; negative: in the future.
    static void set_age(const std::string& path, time_t seconds)
    {
        timespec now{};
        clock_gettime(CLOCK_REALTIME, &now);
        now.tv_sec -= seconds;
        const timespec times[2] = {now, now};
        ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    }
    void build(const std::string& full, Dialect dialect = Dialect::Postmap)
    {
        ToolOptions options{.dialect = dialect};
        options.tables = {full};
        MUST(run_tool(options, {}, {}));
    }
    // An index of 100 seconds ago, and a source of `source_age` seconds ago with this text.
    std::string stale(const std::string& type, const std::string& suffix, std::string_view text, time_t source_age = 50)
    {
        const std::string path = write("t", "a old\nb old\n");
        build(type + ":" + path);
        write("t", text);
        set_age(path + suffix, 100);
        set_age(path, source_age);
        return path;
    }
    std::unique_ptr<Table> open_with(StaleIndex action, const std::string& full, std::string alias_database = {})
    {
        OpenOptions options;
        options.stale_index = action;
        options.alias_database = std::move(alias_database);
        options.warn = [this](std::string_view text) { warnings_.emplace_back(text); };
        return std::move(open(full, options).value());
    }
    static std::string ask(Table& table, std::string_view key)
    {
        return table.lookup(key).take_ready().value().value_or("(not found)");
    }

    std::vector<std::string> warnings_;
    std::string directory_ = fmt::format("/tmp/posthaste-stale-{}", getpid());
};

TEST_F(StaleIndexTest, AWarningNamesIndexSourceTimesAndTheCommandOnceForEachChange)
{
    for (const auto& [type, suffix] : types) {
        warnings_.clear();
        const std::string path = stale(type, suffix, "a new\n");
        auto table = open_with(StaleIndex::Warn, fmt::format("{}:{}", type, path));
        EXPECT_EQ(ask(*table, "a"), "old");
        ASSERT_EQ(warnings_.size(), 1U) << type;
        EXPECT_TRUE(warnings_[0].starts_with(
            fmt::format("database {}{} is older than source file {} (of 2", path, suffix, path)))
            << warnings_[0];
        EXPECT_TRUE(warnings_[0].ends_with(fmt::format("; run: postmap {}:{}", type, path))) << warnings_[0];
        EXPECT_TRUE(table->reopen_if_changed());
        EXPECT_EQ(ask(*table, "a"), "old");
        EXPECT_EQ(warnings_.size(), 1U) << type;
        set_age(path, 40);
        EXPECT_TRUE(table->reopen_if_changed());
        EXPECT_EQ(warnings_.size(), 2U) << type << ": the source was changed again";
        std::filesystem::remove(path + suffix);
    }
}

TEST_F(StaleIndexTest, RebuildAnswersFromTheSourceUntilThereIsANewIndex)
{
    for (const auto& [type, suffix] : types) {
        const std::string path = stale(type, suffix, "A new\n# b is gone\nc \"new\n");
        auto table = open_with(StaleIndex::Rebuild, fmt::format("{}:{}", type, path));
        EXPECT_EQ(ask(*table, "a"), "new") << type;
        EXPECT_EQ(ask(*table, "B"), "(not found)");
        build(fmt::format("{}:{}", type, path));
        set_age(path + suffix, 0);
        EXPECT_TRUE(table->reopen_if_changed());
        EXPECT_EQ(ask(*table, "C"), "\"new") << type;
        EXPECT_TRUE(warnings_.empty()) << warnings_[0];
        std::filesystem::remove(path + suffix);
    }
}

TEST_F(StaleIndexTest, ASourceThatChangesWhileTheTableIsOpenIsUsed)
{
    const std::string path = write("t", "a old\n");
    build("hash:" + path);
    set_age(path, 200);
    set_age(path + ".db", 100);
    auto table = open_with(StaleIndex::Rebuild, "hash:" + path);
    EXPECT_EQ(ask(*table, "a"), "old");
    write("t", "a new\n");
    set_age(path, 10);
    EXPECT_TRUE(table->reopen_if_changed());
    EXPECT_EQ(ask(*table, "a"), "new");
}

TEST_F(StaleIndexTest, ASourceWithASyntaxErrorKeepsTheIndexAndNamesTheLine)
{
    const std::string path = stale("hash", ".db", "a new\nb\n");
    auto table = open_with(StaleIndex::Rebuild, "hash:" + path);
    EXPECT_EQ(ask(*table, "a"), "old");
    ASSERT_EQ(warnings_.size(), 1U);
    EXPECT_NE(warnings_[0].find(fmt::format("which cannot be used: {}, line 2: ", path)), std::string::npos)
        << warnings_[0];
}

TEST_F(StaleIndexTest, ASourceYoungerThanASecondIsWaitedFor)
{
    const std::string path = stale("hash", ".db", "a new\n", 0);
    auto table = open_with(StaleIndex::Rebuild, "hash:" + path);
    EXPECT_EQ(ask(*table, "a"), "old");
    set_age(path, 2);
    EXPECT_TRUE(table->reopen_if_changed());
    EXPECT_EQ(ask(*table, "a"), "new");
}

TEST_F(StaleIndexTest, AnAliasTableIsReadAsAliasesAndNamesItsCommand)
{
    const std::string path = write("aliases", "root: old\n");
    build("hash:" + path, Dialect::Postalias);
    write("aliases", "root: new, newer\n");
    set_age(path + ".db", 100);
    set_age(path, 50);
    EXPECT_EQ(ask(*open_with(StaleIndex::Rebuild, "hash:" + path), "root"), "new, newer");
    open_with(StaleIndex::Warn, "hash:" + path);
    open_with(StaleIndex::Warn, "hash:" + path, "hash:/x, hash:" + path);
    ASSERT_EQ(warnings_.size(), 2U);
    EXPECT_TRUE(warnings_[0].ends_with("; run: postalias hash:" + path)) << warnings_[0];
    EXPECT_TRUE(warnings_[1].ends_with("; run: newaliases")) << warnings_[1];
}

TEST_F(StaleIndexTest, WhatNamesFilesForPostmapFIsNotRead)
{
    const std::string path = write("t", fmt::format("a {}\n", write("content", "text")));
    ToolOptions options{.file_values = true};
    options.tables = {"hash:" + path};
    MUST(run_tool(options, {}, {}));
    set_age(path + ".db", 100);
    set_age(path, 50);
    auto table = open_with(StaleIndex::Rebuild, "hash:" + path);
    EXPECT_EQ(ask(*table, "a"), "dGV4dA==");
    ASSERT_EQ(warnings_.size(), 1U);
    EXPECT_NE(warnings_[0].find("postmap -F"), std::string::npos) << warnings_[0];
}

TEST_F(StaleIndexTest, IgnoreSaysNothing)
{
    const std::string path = stale("hash", ".db", "a new\n");
    EXPECT_EQ(ask(*open_with(StaleIndex::Ignore, "hash:" + path), "a"), "old");
    EXPECT_TRUE(warnings_.empty());
}

TEST_F(StaleIndexTest, AnIndexThatIsYoungerIsNotStale)
{
    const std::string path = stale("hash", ".db", "a new\n", 150);
    EXPECT_EQ(ask(*open_with(StaleIndex::Warn, "hash:" + path), "a"), "old");
    EXPECT_TRUE(warnings_.empty());
}

// --- a process that cannot open its files again

class Confined : public StaleIndexTest {
protected:
    void TearDown() override
    {
        become(0);
        confine(Confinement::None, {});
        StaleIndexTest::TearDown();
    }
    void enter(Confinement confinement)
    {
        confine(confinement, [this](std::string_view path) { changed_.emplace_back(path); });
    }
    // Where the test is run by root.
    static void become(uid_t user) { ASSERT_TRUE(::getuid() != 0 || ::seteuid(user) == 0); }
    static constexpr uid_t somebody = 65534;
    std::vector<std::string> changed_;
};

TEST_F(Confined, InAJailAReplacedFileAsksForASuccessorOnce)
{
    const std::string path = write("t", "a 1\n");
    FollowedFile file(path);
    enter(Confinement::Jail);
    EXPECT_FALSE(file.changed_now());
    EXPECT_TRUE(changed_.empty());
    write("t", "a 2\n");
    EXPECT_FALSE(file.changed_now()) << "it cannot be opened again";
    EXPECT_TRUE(changed_.empty()) << "somebody may be about to make it anew";
    std::this_thread::sleep_for(std::chrono::milliseconds(4100));
    EXPECT_FALSE(file.changed_now());
    EXPECT_FALSE(file.changed_now());
    EXPECT_EQ(changed_, std::vector<std::string>{path});
}

TEST_F(Confined, InAJailARewrittenOrMovedFileAsksForASuccessor)
{
    const std::string rewritten = write("t", "a 1\n");
    const std::string moved = write("u", "a 1\n");
    FollowedFile first(rewritten);
    FollowedFile second(moved);
    enter(Confinement::Jail);
    MUST(write_fully(open_file(rewritten, O_WRONLY | O_TRUNC).value().get(), "b 22\n"));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // beyond the granularity of a file's times
    std::filesystem::rename(moved, moved + ".old");
    (void)first.changed_now();
    (void)second.changed_now();
    EXPECT_EQ(changed_, (std::vector<std::string>{rewritten, moved}));
}

TEST_F(Confined, InAJailAReplacedFileIsSeenWithoutALookup)
{
    const std::string path = write("t", "a 1\n");
    std::vector<FollowedFile> files;
    files.emplace_back(write("u", "a 1\n"));
    files.emplace_back(path);  // and moves the first
    FollowedFile(write("v", "a 1\n")).changed_now();
    enter(Confinement::Jail);
    for (const char* name : {"t", "v"})
        write(name, "a 2\n");
    look_at_followed_files();
    EXPECT_TRUE(changed_.empty()) << "somebody may be about to make it anew";
    std::this_thread::sleep_for(std::chrono::milliseconds(1600));
    look_at_followed_files();
    look_at_followed_files();
    EXPECT_EQ(changed_, std::vector<std::string>{path}) << "once, and not what nobody follows any more";
}

TEST_F(Confined, WithoutALookupAFileIsLeftAloneWhileItIsWrittenTo)
{
    const std::string path = write("t", "a 1\n");
    const FollowedFile file(path);
    const auto rewrite = [&] { MUST(write_fully(open_file(path, O_WRONLY | O_TRUNC).value().get(), "b 22\n")); };
    rewrite();
    look_at_followed_files();
    enter(Confinement::Jail);
    look_at_followed_files();
    EXPECT_TRUE(changed_.empty());
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    look_at_followed_files();
    EXPECT_EQ(changed_.size(), 1U);
}

TEST_F(Confined, WithoutALookupOnlyWhatMayNotBeReadAsksForASuccessor)
{
    const std::string path = write("t", "a 1\n");
    std::filesystem::permissions(directory_, std::filesystem::perms(0755));
    FollowedFile file(path);
    enter(Confinement::Rights);
    become(somebody);
    look_at_followed_files();
    EXPECT_TRUE(changed_.empty());
    become(0);
    write("t", "a 22\n");
    set_age(path, 50);
    std::filesystem::permissions(path, std::filesystem::perms(0644));
    become(somebody);
    look_at_followed_files();
    EXPECT_TRUE(changed_.empty()) << "the next lookup takes it";
    EXPECT_TRUE(file.changed_now()) << "and finds it changed";
    become(0);
    write("t", "a 333\n");
    set_age(path, 40);
    std::filesystem::permissions(path, std::filesystem::perms::none);
    become(somebody);
    look_at_followed_files();
    EXPECT_EQ(changed_, std::vector<std::string>{path});
}

TEST_F(Confined, InAJailAFileOfThatNameIsAnotherFile)
{
    const std::string path = write("t", "a 1\n");
    FollowedFile file(path);
    std::filesystem::rename(directory_, directory_ + ".outside");
    std::filesystem::create_directories(directory_);
    write("t", "a jail\n");
    enter(Confinement::Jail);
    EXPECT_FALSE(file.changed_now());
    EXPECT_TRUE(changed_.empty());
    std::filesystem::remove_all(directory_ + ".outside");
}

TEST_F(Confined, AFileThatMayNotBeReadAnyMoreAsksForASuccessor)
{
    FollowedFile file(write("t", "a 1\n"));
    file.could_not_open(Error(ErrorKind::Denied, "permission denied"));
    EXPECT_TRUE(changed_.empty()) << "this process never had more rights";
    enter(Confinement::Rights);
    file.could_not_open(Error(ErrorKind::Corrupt, "no table"));
    EXPECT_TRUE(changed_.empty()) << "a successor could not read it either";
    file.could_not_open(Error(ErrorKind::Denied, "permission denied"));
    EXPECT_EQ(changed_.size(), 1U);
}

TEST_F(Confined, AReloadThatOpensWhatIsOutOfReachIsToldSo)
{
    const std::string none = "texthash:" + directory_ + "/none";
    {
        const Reopening reload;
        (void)open_or_unavailable(none, {});
        EXPECT_EQ(reload.out_of_reach(), "") << "nothing was given up";
    }
    enter(Confinement::Rights);
    {
        const Reopening reload;
        (void)open_or_unavailable(none, {});
        EXPECT_EQ(reload.out_of_reach(), "") << "a successor would not find it either";
        Reopening::could_not_open("/secret", Error(ErrorKind::Denied, "permission denied"));
        EXPECT_EQ(reload.out_of_reach(), "/secret");
    }
    enter(Confinement::Jail);
    const OpenOptions options{.warn = [this](std::string_view text) { warnings_.emplace_back(text); }};
    {
        const Reopening reload;
        EXPECT_EQ(reload.out_of_reach(), "") << "that was another reload";
        (void)open_or_unavailable(none, options);
        EXPECT_EQ(reload.out_of_reach(), none);
        EXPECT_TRUE(warnings_.empty()) << "the successor says whether it is unavailable: " << warnings_[0];
    }
    (void)open_or_unavailable(none, options);
    EXPECT_EQ(warnings_.size(), 1U) << "no reload is under way";
}

}  // namespace
}  // namespace posthaste::table
