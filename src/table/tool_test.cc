// postmap and postalias: making, changing and asking tables of every type that can be written.
#include "table/tool.h"

#include "base/fd.h"
#include "table/alias_source.h"
#include "table/base64.h"
#include "table/key_value.h"
#include "table/text_source.h"

#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace posthaste::table {
namespace {

struct Outcome {
    std::string out;
    std::string error;
    bool found = false;
};

// Runs a tool on text instead of the standard streams.
Outcome run_on_text(const ToolOptions& options, const std::string& input)
{
    std::FILE* in = tmpfile();
    std::fwrite(input.data(), 1, input.size(), in);
    EXPECT_EQ(std::fseek(in, 0, SEEK_SET), 0);
    char* text = nullptr;
    std::size_t size = 0;
    std::FILE* out = open_memstream(&text, &size);
    auto done = run_tool(options, {.myhostname = "host.test"}, {.in = in, .out = out});
    std::fclose(in);
    std::fclose(out);
    Outcome outcome{.out = std::string(text, size), .error = done ? "" : done.error().text(), .found = done && *done};
    std::free(text);
    return outcome;
}

class Tool : public ::testing::TestWithParam<std::string> {
protected:
    void SetUp() override
    {
        directory_ = fmt::format("{}/posthaste-tool-{}", std::filesystem::temp_directory_path().string(), getpid());
        std::filesystem::create_directories(directory_);
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::string write(const std::string& name, std::string_view content, mode_t mode = 0644)
    {
        std::string path = directory_ + "/" + name;
        MUST(replace_file(path, content, mode));
        return path;
    }

    static Outcome run(Dialect dialect, std::vector<std::string> arguments, const std::string& input = {})
    {
        arguments.insert(arguments.begin(), "tool");
        auto options = parse_tool_options(dialect, arguments);
        if (!options)
            return {.out = {}, .error = options.error().text()};
        return run_on_text(*options, input);
    }
    Outcome postmap(std::vector<std::string> arguments, const std::string& input = {})
    {
        return run(Dialect::Postmap, std::move(arguments), input);
    }
    std::string table(const std::string& path) const { return GetParam() + ":" + path; }
    std::string built(const std::string& path) const { return path + (GetParam() == "lmdb" ? ".lmdb" : ".db"); }

    std::string directory_;
};

INSTANTIATE_TEST_SUITE_P(Types, Tool, ::testing::Values("hash", "btree", "lmdb"));

TEST_P(Tool, MakesATableAndAsksIt)
{
    std::string path = write("t", "Key1 value one\n  continued\nkey2 v2\nnoval\nKEY1 dup\n");
    EXPECT_TRUE(postmap({table(path)}).found);
    EXPECT_EQ(postmap({"-q", "KEY1", table(path)}).out, "value one  continued\n");
    Outcome missing = postmap({"-q", "nope", table(path)});
    EXPECT_EQ(missing.error, "");
    EXPECT_FALSE(missing.found);
    EXPECT_EQ(postmap({"-q", "-", table(path)}, "key2\nnope\nKey1\n").out, "key2\tv2\nKey1\tvalue one  continued\n");
}

TEST_P(Tool, AsksForMoreKeysThanAreReadAtOnce)
{
    constexpr int keys = 20'000;  // 200 KB of standard input
    std::string source;
    std::string asked;
    std::string expected;
    for (int i = 0; i < keys; ++i) {
        source += fmt::format("key{} value{}\n", i, i);
        asked += fmt::format("{}{}\n", i % 2 == 0 ? "key" : "nokey", i);
        if (i % 2 == 0)
            expected += fmt::format("key{}\tvalue{}\n", i, i);
    }
    std::string path = write("t", source);
    EXPECT_TRUE(postmap({table(path)}).found);
    EXPECT_EQ(postmap({"-q", "-", table(path)}, asked + "key2").out, expected + "key2\tvalue2\n");
}

TEST_P(Tool, KeysWithoutTheEndingNulAreFoundToo)
{
    std::string path = write("t", "a 1\nb 2\n");
    EXPECT_TRUE(postmap({"-n", table(path)}).found);
    EXPECT_EQ(postmap({"-q", "b", table(path)}).out, "2\n");
    std::string listed = postmap({"-s", table(path)}).out;
    EXPECT_TRUE(listed == "a\t1\nb\t2\n" || listed == "b\t2\na\t1\n") << listed;
    EXPECT_TRUE(postmap({"-d", "a", table(path)}).found);
    EXPECT_FALSE(postmap({"-q", "a", table(path)}).found);
}

TEST_P(Tool, UpdatesKeepReplaceOrIgnore)
{
    std::string path = write("t", "a 1\nb 2\n");
    ASSERT_TRUE(postmap({table(path)}).found);
    EXPECT_TRUE(postmap({"-i", table(path)}, "a 9\nc 3\n").found);
    EXPECT_EQ(postmap({"-q", "a", table(path)}).out, "1\n");
    EXPECT_EQ(postmap({"-q", "c", table(path)}).out, "3\n");
    EXPECT_TRUE(postmap({"-ir", table(path)}, "a 9\n").found);
    EXPECT_EQ(postmap({"-q", "a", table(path)}).out, "9\n");
    EXPECT_TRUE(postmap({"-iw", table(path)}, "a 10\n").found);
    EXPECT_EQ(postmap({"-q", "a", table(path)}).out, "9\n");
}

TEST_P(Tool, RemovesKeysOneByOneOrFromStandardInput)
{
    std::string path = write("t", "a 1\nb 2\nc 3\n");
    ASSERT_TRUE(postmap({table(path)}).found);
    EXPECT_TRUE(postmap({"-d", "A", table(path)}).found);
    EXPECT_FALSE(postmap({"-d", "a", table(path)}).found);
    EXPECT_TRUE(postmap({"-d", "-", table(path)}, "x\nb\n").found);
    EXPECT_EQ(postmap({"-s", table(path)}).out, "c\t3\n");
}

TEST_P(Tool, ManyEntriesOutgrowTheFirstSize)
{
    std::string source;
    for (int i = 0; i < 20000; ++i)
        source += fmt::format("key{} {}\n", i, std::string(1000, static_cast<char>('a' + i % 26)));
    std::string path = write("t", source);
    ASSERT_EQ(postmap({table(path)}).error, "");
    auto opened = open(table(path));
    ASSERT_TRUE(opened);
    for (int i = 0; i < 20000; i += 999)
        EXPECT_EQ((*opened)->lookup(fmt::format("key{}", i)).take_ready().value(),
                  std::string(1000, static_cast<char>('a' + i % 26)));
}

TEST_P(Tool, AReaderFollowsTheNewVersion)
{
    std::string path = write("t", "a 1\n");
    ASSERT_TRUE(postmap({table(path)}).found);
    auto reader = open(table(path));
    ASSERT_TRUE(reader);
    EXPECT_EQ((*reader)->lookup("a").take_ready().value(), "1");
    write("t", "a 2\n");
    ASSERT_TRUE(postmap({table(path)}).found);
    ASSERT_TRUE((*reader)->reopen_if_changed());
    EXPECT_EQ((*reader)->lookup("a").take_ready().value(), "2");
}

TEST_P(Tool, WhileATableIsRewrittenInPlaceLookupsAreTemporaryErrors)
{
    std::string path = write("t", "a 1\n");
    ASSERT_TRUE(postmap({table(path)}).found);
    auto reader = open(table(path));
    ASSERT_TRUE(reader);
    auto writer = open_file(built(path), O_RDWR);
    ASSERT_TRUE(writer);
    ASSERT_EQ(flock(writer->get(), LOCK_EX), 0);
    auto answer = (*reader)->lookup("a").take_ready();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind(), ErrorKind::Temporary);
    ASSERT_EQ(flock(writer->get(), LOCK_UN), 0);
    EXPECT_EQ((*reader)->lookup("a").take_ready().value(), "1");
}

// As `cp` over the file does it: a mapped file that has become shorter must not be looked into.
TEST_P(Tool, ATableThatIsCutOffIsATemporaryErrorAndNeverNotFound)
{
    std::string path = write("t", "a 1\n");
    ASSERT_TRUE(postmap({table(path)}).found);
    auto reader = open(table(path));
    ASSERT_TRUE(reader);
    EXPECT_EQ((*reader)->lookup("a").take_ready().value(), "1");
    auto content = read_file(built(path));
    ASSERT_TRUE(content);
    for (off_t size : {0, 512}) {
        ASSERT_EQ(::truncate(built(path).c_str(), size), 0);
        for (const char* key : {"a", "b"})
            EXPECT_FALSE((*reader)->lookup(key).take_ready()) << key << " of " << size << " bytes";
        auto file = open_file(built(path), O_WRONLY);
        ASSERT_TRUE(file);
        ASSERT_TRUE(write_fully(file->get(), *content));
        EXPECT_EQ((*reader)->lookup("a").take_ready().value(), "1");
    }
}

std::string numbered_entries(int count)
{
    std::string source;
    for (int i = 0; i < count; ++i)
        source += fmt::format("key{} {:080}\n", i, i);
    return source;
}

// A power cut leaves pages empty that were never written. The library takes one of hash: for a bucket without keys,
// and searches for ever in one of btree:.
TEST_P(Tool, AnEmptyPageIsATemporaryErrorAndNeverNotFound)
{
    constexpr std::size_t page_size = 4096;
    for (int count : {50, 1000}) {
        std::string path = write("t", numbered_entries(count));
        ASSERT_EQ(postmap({table(path)}).error, "");
        const std::string content = *read_file(built(path));
        for (std::size_t page = 0; page < content.size() / page_size; ++page) {
            std::string damaged = content;
            damaged.replace(page * page_size, page_size, page_size, '\0');
            MUST(replace_file(built(path), damaged));
            auto opened = open(table(path));
            for (int i = 0; opened && i < count; ++i) {
                auto answer = (*opened)->lookup(fmt::format("key{}", i)).take_ready();
                EXPECT_TRUE(!answer || *answer) << "page " << page << ", key" << i << " of " << count;
            }
        }
    }
}

TEST_P(Tool, WholeTablesOfAnySizeAreTakenAsWhole)
{
    for (int count : {0, 1, 2, 3, 5, 8, 20, 31, 32, 33, 64, 65, 100, 200, 400, 2500}) {
        std::string path = write(fmt::format("t{}", count), numbered_entries(count));
        ASSERT_EQ(postmap({table(path)}).error, "");
        std::string removed;
        for (int i = 0; i < count; i += 3)
            removed += fmt::format("key{}\n", i);
        postmap({"-d", "-", table(path)}, removed);
        auto opened = open(table(path));
        ASSERT_TRUE(opened) << count << ": " << opened.error().text();
        for (int i = 0; i < count; ++i)
            EXPECT_EQ((*opened)->lookup(fmt::format("key{}", i)).take_ready().value().has_value(), i % 3 != 0) << i;
    }
}

TEST_P(Tool, TheModeFollowsTheSourceOnceAndIsKeptThen)
{
    std::string path = write("t", "a 1\n", 0640);
    ASSERT_TRUE(postmap({table(path)}).found);
    struct stat status{};
    stat(built(path).c_str(), &status);
    EXPECT_EQ(status.st_mode & 07777, 0640U);
    write("t", "a 1\n", 0600);
    ASSERT_TRUE(postmap({table(path)}).found);
    stat(built(path).c_str(), &status);
    EXPECT_EQ(status.st_mode & 07777, 0640U);
    unlink(built(path).c_str());
    ASSERT_TRUE(postmap({"-p", table(path)}).found);
    stat(built(path).c_str(), &status);
    EXPECT_EQ(status.st_mode & 07777, 0644U);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 2) << "a temporary file was left";
}

TEST_P(Tool, AnUnreadableSourceLeavesTheOldTable)
{
    std::string path = write("t", "a 1\n");
    ASSERT_TRUE(postmap({table(path)}).found);
    unlink(path.c_str());
    EXPECT_EQ(postmap({table(path)}).error, "open " + path + ": No such file or directory");
    EXPECT_EQ(postmap({"-q", "a", table(path)}).out, "1\n");
}

TEST_P(Tool, AliasTablesHaveTheirMarks)
{
    std::string path = write("al", "Root: me\n\"Quoted Key\": a,b\n");
    ASSERT_TRUE(run(Dialect::Postalias, {table(path)}).found);
    EXPECT_EQ(run(Dialect::Postalias, {"-q", "root", table(path)}).out, "me\n");
    EXPECT_EQ(run(Dialect::Postalias, {"-q", "quoted key", table(path)}).out, "a, b\n");
    std::string listed = run(Dialect::Postalias, {"-s", table(path)}).out;
    EXPECT_NE(listed.find("@:\t@\n"), std::string::npos);
    EXPECT_NE(listed.find("YP_MASTER_NAME:\thost.test\n"), std::string::npos);
    EXPECT_NE(listed.find("YP_LAST_MODIFIED:\t"), std::string::npos);
}

TEST_P(Tool, FileContentIsStoredInBase64)
{
    std::string content = write("content", "key1 new\n");
    std::string path = write("t", "k " + content + "," + content + "\n");
    ASSERT_TRUE(postmap({"-F", table(path)}).found);
    EXPECT_EQ(postmap({"-q", "k", table(path)}).out, "a2V5MSBuZXcKCmtleTEgbmV3Cg==\n");
    EXPECT_EQ(postmap({"-Fq", "k", table(path)}).out, "key1 new\n\nkey1 new\n\n");
}

TEST_P(Tool, JsonHasAnObjectForEachEntry)
{
    std::string path = write("t", "Key a \"quoted\" one\n");
    EXPECT_TRUE(postmap({table(path)}).found);
    const std::string entry = "{\"key\": \"a \\\"quoted\\\" one\"}\n";
    EXPECT_EQ(postmap({"-jq", "key", table(path)}).out, entry);
    EXPECT_EQ(postmap({"-js", table(path)}).out, entry);
    EXPECT_EQ(postmap({"-j", "-q", "-", table(path)}, "nope\nkey\n").out, entry);
    EXPECT_EQ(run(Dialect::Postalias, {"-js", table(path)}).out, entry) << "no colon behind the name";
    EXPECT_NE(postmap({"-j", table(path)}).error.find("specify -j only with -q or -s"), std::string::npos);
}

TEST(ToolQuery, KeysFromMessagesAreCheckedForUtf8OnlyWithU)
{
    ToolOptions options{.action = ToolAction::Query, .key = "-", .query_text = QueryText::Headers};
    options.tables = {"static:found"};
    EXPECT_TRUE(run_on_text(options, "Subject: \xff\n\n").found);
    options.utf8_in_messages = true;
    EXPECT_FALSE(run_on_text(options, "Subject: \xff\n\n").found);
}

TEST(ToolOptions, MistakesAreToldAsPostmapTellsThem)
{
    auto error = [](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), "postmap");
        auto options = parse_tool_options(Dialect::Postmap, arguments);
        return options ? std::string() : options.error().text();
    };
    EXPECT_EQ(error({}), "usage: postmap [-bfFhimnNoprsuUvw] [-c config_dir] [-d key] [-q key] [map_type:]file...");
    EXPECT_EQ(error({"-q", "x", "-s", "t"}), "specify only one of -s or -q or -d");
    EXPECT_EQ(error({"-q", "x", "-d", "y", "t"}), "specify only one of -s -q or -d");
    EXPECT_EQ(error({"-h", "t"}), "specify -b -h or -m only with \"-q -\"");
    EXPECT_TRUE(error({"-Z", "t"}).starts_with("invalid option -- 'Z'\nusage:"));
    EXPECT_TRUE(error({"-q"}).starts_with("option requires an argument -- 'q'\nusage:"));
    EXPECT_EQ(error({"-iwv", "-c/etc", "-q-", "t"}), "");
}

TEST(ToolQuery, HeadersAndBodyOfAMessageAsKeys)
{
    auto ask = [](const char* flag, const char* rules) {
        auto options = parse_tool_options(Dialect::Postmap, {"postmap", flag, "-q", "-", rules});
        return run_on_text(*options, "Subject: a\n b\nTo: x\n\nSubject: body\nline\n").out;
    };
    EXPECT_EQ(ask("-h", "regexp:{{/^subject/ S}}"), "Subject: a\n b\tS\n");
    EXPECT_EQ(ask("-b", "regexp:{{/./ B}}"), "Subject: body\tB\nline\tB\n");
}

TEST(ToolQuery, PartsOfAMessageWithM)
{
    auto ask = [](const char* flag, const char* rules) {
        auto options = parse_tool_options(Dialect::Postmap, {"postmap", flag, "-q", "-", rules});
        return run_on_text(*options, "Content-Type: multipart/mixed; boundary=b\n\n--b\nX-Part: 1\n\ntext\n--b--\n")
            .out;
    };
    EXPECT_EQ(ask("-h", "regexp:{{/^x-/ S}}"), "");
    EXPECT_EQ(ask("-hm", "regexp:{{/^x-/ S}}"), "X-Part: 1\tS\n");
    EXPECT_EQ(ask("-b", "regexp:{{/^[xt]/ S}}"), "X-Part: 1\tS\ntext\tS\n");
    EXPECT_EQ(ask("-bm", "regexp:{{/^[xt]/ S}}"), "text\tS\n");
}

std::string alias(std::string_view line)
{
    auto parsed = parse_alias(line);
    return parsed ? parsed->name + " -> " + parsed->value : parsed.error().text();
}

// The answers of Debian's postalias 3.7.11 to the same lines.
TEST(AliasSource, NamesAndValues)
{
    EXPECT_EQ(alias("a : b"), "a -> b");
    EXPECT_EQ(alias("\"a b\" : c"), "a b -> c");
    EXPECT_EQ(alias("a: b (com) , c"), "a -> b (com), c");
    EXPECT_EQ(alias("a: \"b c\"@d, \"|x y\" , |z"), "a -> \"b c\"@d, \"|x y\", |z");
    EXPECT_EQ(alias("a: |\"/bin/x y\", /f"), "a -> |\"/bin/x y\", /f");
    EXPECT_EQ(alias("a: b   c, d"), "a -> b c, d");
    EXPECT_EQ(alias("a: :include:/etc/list"), "a -> :include:/etc/list");
    EXPECT_EQ(alias("a: <b@c>, D <e@f>"), "a -> <b@c>, D <e@f>");
    EXPECT_EQ(alias("\"a@b\": c"), "a@b -> c");
    EXPECT_EQ(alias("\"a\\\"b\": c"), "a\"b -> c");
    EXPECT_EQ(alias("a: \"\""), "a -> \"\"");
    EXPECT_EQ(alias("a@b: c"), "name must be local");
    for (std::string_view line : {"nocolon here", ": empty", "foo:", "a, b: c", "\"bad: x"})
        EXPECT_EQ(alias(line), "need name:value pair") << line;
    EXPECT_EQ(alias("\"\":x"), "empty lookup key value is not allowed");
}

TEST(KeyValueSource, QuotesKeepWhiteSpaceInKeys)
{
    EXPECT_EQ(split_key_value("\"a \\\" b\" v w")->key, "\"a \\\" b\"");
    EXPECT_EQ(split_key_value("a\t v w ")->value, "v w");
    EXPECT_EQ(split_key_value("\"unterm v").error().text(), "unbalanced '\"' in '\"unterm v'");
    EXPECT_EQ(split_key_value("key").error().text(), "expected format: key whitespace value");
}

TEST(TextSource, LogicalLinesKnowWhereTheyBegan)
{
    LogicalLines lines("# c\n\nfirst\n  more\n# between\n\tend\nsecond");
    LogicalLine line;
    ASSERT_TRUE(lines.next(line));
    EXPECT_EQ(line.text, "first  more\tend");
    EXPECT_EQ(line.first_line, 3U);
    ASSERT_TRUE(lines.next(line));
    EXPECT_EQ(line.text, "second");
    EXPECT_EQ(line.first_line, 7U);
    EXPECT_FALSE(lines.next(line));
}

TEST(TextSource, BracesProtectSeparators)
{
    auto split = split_outside_braces("a, {b, c} x:{y {z}},{d}{e}", list_separators);
    ASSERT_TRUE(split);
    EXPECT_EQ(*split, (std::vector<std::string_view>{"a", "{b, c}", "x:{y {z}}", "{d}", "{e}"}));
    EXPECT_FALSE(split_outside_braces("a {b", list_separators));
    EXPECT_EQ(*strip_braces("{ a b }"), "a b");
    EXPECT_FALSE(strip_braces("{a} b"));
}

TEST(Base64, RoundTrip)
{
    for (std::string_view bytes : {"", "a", "ab", "abc", "abcd"})
        EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
    EXPECT_EQ(encode_base64("ab"), "YWI=");
    EXPECT_FALSE(decode_base64("YW=I"));
    EXPECT_FALSE(decode_base64("abc"));
}

}  // namespace
}  // namespace posthaste::table
