// Tables of every local type, opened by name.
#include "table/followed_file.h"
#include "table/maps.h"
#include "table/table.h"

#include "base/fd.h"

#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>

namespace posthaste::table {
namespace {

Answer ask(Table& table, std::string_view key)
{
    Lookup lookup = table.lookup(key);
    EXPECT_TRUE(lookup.ready());
    return lookup.take_ready();
}

std::string value_of(std::string_view table, std::string_view key)
{
    std::string warnings;
    OpenOptions options{.warn = [&](std::string_view text) { warnings += std::string(text) + "\n"; }};
    auto opened = open(table, options);
    if (!opened)
        return "error: " + opened.error().text();
    Answer answer = ask(**opened, key);
    if (!answer)
        return "lookup error: " + answer.error().text();
    return answer->value_or("(not found)");
}

class TableFiles : public ::testing::Test {
protected:
    void SetUp() override { std::filesystem::create_directories(directory_); }
    void TearDown() override { std::filesystem::remove_all(directory_); }
    std::string write(const std::string& name, std::string_view content)
    {
        std::string path = directory_ + "/" + name;
        MUST(replace_file(path, content));
        return path;
    }
    std::string directory_ =
        fmt::format("{}/posthaste-table-{}", std::filesystem::temp_directory_path().string(), getpid());
};

TEST(Table, UnknownTypeIsRefusedWithTheListOfTypes)
{
    auto opened = open("hesh:/etc/aliases");
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind(), ErrorKind::Unsupported);
    EXPECT_NE(opened.error().text().find("unsupported dictionary type: hesh"), std::string::npos);
    EXPECT_NE(opened.error().text().find("hash"), std::string::npos);
    EXPECT_EQ(open("hash").error().kind(), ErrorKind::Invalid);
}

TEST(Table, InlineHasItsEntriesInTheName)
{
    EXPECT_EQ(value_of("inline:{k=v, { K2 = v w }}", "k"), "v");
    EXPECT_EQ(value_of("inline:{k=v, { K2 = v w }}", "k2"), "v w");
    EXPECT_EQ(value_of("inline:{k=v, { K2 = v w }}", "K2"), "v w");
    EXPECT_EQ(value_of("inline:{k=v}", "other"), "(not found)");
    EXPECT_EQ(value_of(R"(inline:{{"a = b"@x.test=v}, k=w})", R"("a = b"@x.test)"), "v");
    EXPECT_EQ(value_of("inline:{{a b=v}}", "a b"),
              "error: missing '=' after attribute name: \"inline:{{a b=v}}\"; need \"inline:{name=value...}\"");
    EXPECT_EQ(value_of(R"(inline:{{"a b=v}})", "a"),
              R"(error: unbalanced '"': "inline:{{"a b=v}}"; need "inline:{name=value...}")");
    EXPECT_EQ(value_of("inline:{k}", "k"),
              "error: missing '=' after attribute name: \"inline:{k}\"; need \"inline:{name=value...}\"");
    EXPECT_EQ(value_of("inline:k=v", "k"), "error: bad syntax: \"inline:k=v\"; need \"inline:{name=value...}\"");
    EXPECT_EQ(value_of("inline:{}", "k"), "error: bad syntax: \"inline:{}\"; need \"inline:{name=value...}\"");
}

TEST(Table, StaticAnswersEveryKey)
{
    EXPECT_EQ(value_of("static:ab", "x"), "ab");
    EXPECT_EQ(value_of("static:{ a b }", "x"), "a b");
}

TEST(Table, FailFailsEveryLookup)
{
    EXPECT_EQ(value_of("fail:x", "k"), "lookup error: table fail:x: query error: Application error");
}

TEST(Table, UnixGivesTheAccountLine)
{
    EXPECT_TRUE(value_of("unix:passwd.byname", "root").starts_with("root:x:0:0:"));
    EXPECT_TRUE(value_of("unix:group.byname", "ROOT").starts_with("root:x:0:"));
    EXPECT_EQ(value_of("unix:passwd.byname", "no-such-user-here"), "(not found)");
    EXPECT_EQ(value_of("unix:hosts", "x"), "error: unknown table: unix:hosts");
}

TEST(Table, ProxyAnswersAsTheTableBehindIt)
{
    EXPECT_EQ(value_of("proxy:inline:{a=1}", "A"), "1");
    EXPECT_TRUE(value_of("proxy:unix:passwd.byname", "root").starts_with("root:"));
    EXPECT_EQ(open("proxy:cidr:{{1.2.3.4 x}}").value()->flags().match, KeyMatch::Pattern);
}

TEST(Table, CidrTakesTheFirstRuleThatMatches)
{
    EXPECT_EQ(value_of("cidr:{{1.2.3.4 x y} {1.2.3.0/24 z}}", "1.2.3.4"), "x y");
    EXPECT_EQ(value_of("cidr:{{1.2.3.4 x y} {1.2.3.0/24 z}}", "1.2.3.5"), "z");
    EXPECT_EQ(value_of("cidr:{{[::1] six}}", "0:0::1"), "six");
    EXPECT_EQ(value_of("cidr:{{!10.0.0.0/8 outside}}", "10.2.3.4"), "(not found)");
    EXPECT_EQ(value_of("cidr:{{!10.0.0.0/8 outside}}", "11.2.3.4"), "outside");
    EXPECT_EQ(value_of("cidr:{{!10.0.0.0/8 outside}}", "::1"), "(not found)");
    EXPECT_EQ(value_of("cidr:{{if 10.0.0.0/8}{10.1.0.0/16 in}{endif}{0.0.0.0/0 out}}", "10.1.9.9"), "in");
    EXPECT_EQ(value_of("cidr:{{if !10.0.0.0/8}{10.1.0.0/16 in}{endif}{0.0.0.0/0 out}}", "10.1.9.9"), "out");
    EXPECT_EQ(value_of("cidr:{{0.0.0.0/0 any}}", "not-an-address"), "(not found)");
}

TEST(Table, RegularExpressionsSubstituteWhatTheyMatched)
{
    for (std::string type : {"pcre", "regexp"}) {
        auto value = [&](std::string_view rules, std::string_view key) {
            return value_of(type + ":" + std::string(rules), key);
        };
        EXPECT_EQ(value("{{/^(a.*)@(b)$/ got $1 and ${2}, $$5}}", "AXX@b"), "got AXX and b, $5");
        EXPECT_EQ(value("{{/(x)(y)?/ a$(2)b}}", "axb"), "ab");
        EXPECT_EQ(value("{{/x/i low}{/X/ any}}", "aXb"), "any");
        EXPECT_EQ(value("{{!/x/ without}}", "abc"), "without");
        EXPECT_EQ(value("{{if /u/} {/^ux/ in} {endif} {/^u/ out}}", "ux"), "in");
        EXPECT_EQ(value("{{if !/u/} {/^ux/ in} {endif} {/^u/ out}}", "ux"), "out");
        EXPECT_EQ(value("{{~a/b~ tilde}}", "a/b"), "tilde");
        EXPECT_EQ(value("{{/a\\/b/ slash}}", "a/b"), "slash");
        EXPECT_EQ(value("{{/a.b/ dot}}", "a\nb"), "dot");
        EXPECT_EQ(value("{{/^b/ line}}", "a\nb"), "(not found)");
        EXPECT_EQ(value("{{/^b/m line}}", "a\nb"), "line");
        EXPECT_EQ(value("{a}", "k"), "error: " + type + " map: no '{' at start of text in \"a\"");
    }
}

TEST(Table, RulesWithErrorsAreReportedAndLeftOut)
{
    std::vector<std::string> warnings;
    OpenOptions options{.warn = [&](std::string_view text) { warnings.emplace_back(text); }};
    std::string rules = "{ {/x(/ y} {/good/q z} {/a/ $1b} {/a/ $1} {!/(z)/ nn $1} {endif} {foo bar} {/nores/} {/x y} }";
    auto table = open("pcre:" + rules, options);
    ASSERT_TRUE(table);
    std::string prefix = "pcre map " + rules + ", line ";
    EXPECT_EQ(warnings,
              (std::vector<std::string>{
                  prefix + "1: error in regex at offset 2: missing closing parenthesis",
                  prefix + "2: unknown regexp option \"q\": skipping this rule",
                  prefix + "3: non-numeric replacement index \"1b\": skipping this rule",
                  prefix + "4: out of range replacement index \"1\": skipping this rule",
                  prefix + "5: $number found in negative match replacement text: skipping this rule",
                  prefix + "6: ignoring ENDIF without matching IF", prefix + "7: ignoring unrecognized request",
                  prefix + "8: no replacement text: using empty string",
                  prefix + "9: no closing regexp delimiter \"/\": ignoring this rule"}));
    EXPECT_EQ(ask(**table, "nores").value(), "");
}

// As postmap -q of Postfix 3.7.11 answers.
TEST_F(TableFiles, ANulEndsItsLine)
{
    using namespace std::string_literals;
    const std::string path = write("t", "/^mail\0/ A\n/xa/ B\0C\nk v\0w\n\0x y\n"s);
    EXPECT_EQ(value_of("regexp:" + path, "mail1"), "(not found)");
    EXPECT_EQ(value_of("regexp:" + path, "xa"), "B");
    EXPECT_EQ(value_of("pcre:" + path, "xa"), "B");
    EXPECT_EQ(value_of("texthash:" + path, "k"), "v");
    EXPECT_EQ(value_of("texthash:" + path, "x"), "(not found)");
    EXPECT_EQ(value_of("cidr:" + path, "192.0.2.1"), "(not found)");
}

TEST_F(TableFiles, TexthashReadsKeysValuesCommentsAndContinuations)
{
    std::string path = write("t", "Key1 value one\n  continued  \n# comment\nkey2\tv2\n\nnoval\n\"quoted key\" v3\n");
    EXPECT_EQ(value_of("texthash:" + path, "KEY1"), "value one  continued");
    EXPECT_EQ(value_of("texthash:" + path, "key2"), "v2");
    EXPECT_EQ(value_of("texthash:" + path, "\"quoted key\""), "v3");
    EXPECT_EQ(value_of("texthash:" + path, "noval"), "(not found)");
}

TEST_F(TableFiles, AChangedFileIsReadAgain)
{
    std::string path = write("t", "a 1\n");
    auto table = open("texthash:" + path);
    ASSERT_TRUE(table);
    EXPECT_EQ(ask(**table, "a").value(), "1");
    write("t", "a 2\n");
    ASSERT_TRUE((*table)->reopen_if_changed());
    EXPECT_EQ(ask(**table, "a").value(), "2");
}

TEST_F(TableFiles, AChangedFileIsReadWhenItIsAtRest)
{
    std::string path = write("t", "a 1\n");
    FollowedFile file(path);
    timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    write("t", "a 22\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_FALSE(file.changed_and_at_rest()) << "looked at twice within a second, or just written";
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    EXPECT_TRUE(file.changed_now());
    EXPECT_FALSE(file.changed_now());
}

// Answers after it was let go: what a network table does.
class SlowTable final : public Table {
public:
    SlowTable() : Table("slow:test") {}
    Lookup lookup(std::string_view key) override { return answer(std::string(key)); }
    void let_go() { std::exchange(waiting_, {}).resume(); }
    bool waits() const { return static_cast<bool>(waiting_); }

private:
    struct Gate {
        std::coroutine_handle<>& waiting;
        bool await_ready() const { return false; }
        void await_suspend(std::coroutine_handle<> handle) { waiting = handle; }
        void await_resume() const {}
    };
    net::Task<Answer> answer(std::string key)
    {
        co_await Gate{waiting_};
        co_return key == "known" ? found("value") : not_found();
    }
    std::coroutine_handle<> waiting_;
};

net::Task<void> ask_maps(Maps* maps, std::string key, Answer* answer) { *answer = co_await maps->find(key); }

net::Task<void> ask_address(Maps* maps, std::string address, AddressAnswer* answer)
{
    *answer = co_await maps->find_address(address, {.order = AddressOrder::Mailbox});
}

TEST(Maps, ATableThatAnswersLaterIsWaitedFor)
{
    auto maps = Maps::open("inline:{a=1}");
    ASSERT_TRUE(maps);
    auto slow = std::make_unique<SlowTable>();
    SlowTable* table = slow.get();
    maps->add(std::move(slow));
    maps->add(std::move(open("static:rest").value()));

    EXPECT_TRUE(maps->find("a").ready());
    for (auto [key, expected] : {std::pair("known", "value"), std::pair("other", "rest")}) {
        Answer answer = not_found();
        auto task = ask_maps(&*maps, key, &answer);
        task.handle().resume();
        ASSERT_TRUE(table->waits());
        table->let_go();
        EXPECT_EQ(answer.value(), expected);
    }
    AddressAnswer answer = std::optional<AddressHit>();
    auto task = ask_address(&*maps, "x@y", &answer);
    task.handle().resume();
    table->let_go();
    ASSERT_TRUE(answer && *answer);
    EXPECT_EQ((*answer)->key, "x@y");
}

TEST_F(TableFiles, ATableThatCannotBeOpenedIsATemporaryErrorAndNeverNotFound)
{
    auto table = open_or_unavailable("hash:" + directory_ + "/missing", {.warn = [](std::string_view) {}});
    Answer answer = ask(*table, "k");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind(), ErrorKind::Temporary);
    EXPECT_EQ(answer.error().text(), fmt::format("hash:{0}/missing is unavailable. open database {0}/missing.db: "
                                                 "No such file or directory",
                                                 directory_));
}

TEST(Maps, TheFirstTableThatHasTheKeyAnswers)
{
    auto maps = Maps::open("inline:{a=1}, inline:{a=2,b=3} static:rest");
    ASSERT_TRUE(maps);
    EXPECT_EQ(maps->find("a").take_ready().value(), "1");
    EXPECT_EQ(maps->find("b").take_ready().value(), "3");
    EXPECT_EQ(maps->find("c").take_ready().value(), "rest");
}

TEST(Maps, AnErrorEndsTheSearch)
{
    auto maps = Maps::open("inline:{a=1} fail:x static:rest");
    ASSERT_TRUE(maps);
    EXPECT_TRUE(maps->find("a").take_ready());
    EXPECT_EQ(maps->find("b").take_ready().error().kind(), ErrorKind::Temporary);
}

TEST(Maps, PatternTablesAreNotAskedForParts)
{
    auto maps = Maps::open("cidr:{{10.0.0.0/8 net}} inline:{10.0.0.1=part}");
    ASSERT_TRUE(maps);
    EXPECT_EQ(maps->find("10.0.0.1").take_ready().value(), "net");
    EXPECT_EQ(maps->find_first({{.text = "10.0.0.1", .whole = false}}).take_ready().value()->value, "part");
}

TEST(Maps, AnAddressIsFoundWithoutItsExtensionAndByItsDomain)
{
    auto maps = Maps::open("inline:{user@example.com=u, @example.com=d}");
    ASSERT_TRUE(maps);
    AddressSearch search{.order = AddressOrder::Canonical, .recipient_delimiter = "+"};
    auto user = maps->find_address("User+Ext@example.com", search).take_ready();
    ASSERT_TRUE(user && *user);
    EXPECT_EQ((*user)->value, "u");
    EXPECT_EQ((*user)->extension, "+Ext");
    EXPECT_EQ(maps->find_address("other@example.com", search).take_ready().value()->value, "d");
}

std::vector<std::string> texts(const std::vector<AddressKey>& keys)
{
    std::vector<std::string> result;
    for (const auto& key : keys)
        result.push_back(key.text);
    return result;
}

TEST(AddressKeys, OrderOfTheManuals)
{
    using Texts = std::vector<std::string>;
    AddressSearch search{.order = AddressOrder::Canonical, .recipient_delimiter = "+", .domain_is_local = true};
    EXPECT_EQ(texts(address_keys("u+x@a.b", search)), (Texts{"u+x@a.b", "u@a.b", "u+x", "u", "@a.b"}));
    search.order = AddressOrder::Access;
    EXPECT_EQ(texts(address_keys("u+x@h.a.b", search)),
              (Texts{"u+x@h.a.b", "u@h.a.b", "h.a.b", ".a.b", ".b", "u+x@", "u@"}));
    search.parents = ParentDomains::Bare;
    search.order = AddressOrder::Transport;
    EXPECT_EQ(texts(address_keys("u@h.a.b", search)), (Texts{"u@h.a.b", "h.a.b", "a.b", "b", "*"}));
    search.order = AddressOrder::Mailbox;
    EXPECT_EQ(texts(address_keys("a b@c", search)), (Texts{"\"a b\"@c", "@c", "a b@c", "@c"}));
}

}  // namespace
}  // namespace posthaste::table
