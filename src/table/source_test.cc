// Settings of table sources in main.cf, hosts of SQL servers, how LDAP servers are logged in to, modules that are
// missing, and what becomes of LDAP entries.
#include "table/ldap_search.h"
#include "table/ldap_settings.h"
#include "table/registry.h"
#include "table/settings.h"
#include "table/source_settings.h"
#include "table/sql_settings.h"
#include "table/table.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>

namespace posthaste::table {
namespace {

std::shared_ptr<const config::Config> main_cf_of(std::string_view text)
{
    return config::load_text(text, "main.cf", {}).value();
}

OpenOptions options_of(std::string_view main_cf)
{
    OpenOptions options;
    options.main_cf = main_cf_of(main_cf);
    return options;
}

std::string said(const Answer& answer)
{
    return answer ? answer->value_or("(not found)") : "error: " + answer.error().text();
}

TEST(SourceSettings, OfABareNameStandInMainCf)
{
    const auto options = options_of("where = /srv\nusers_dbpath = $where/users\nusers_expansion_limit = x\n");
    auto settings = SourceSettings::of("users", options);
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->text("dbpath"), "/srv/users");
    EXPECT_EQ(settings->required("query").error().text(), "bad string length 0 < 1: users_query = ");
    EXPECT_EQ(settings->number("expansion_limit", 0, 0, 9).error().text(),
              "bad numerical configuration: users_expansion_limit = x");
    EXPECT_EQ(SourceSettings::of("/nonexistent/file", options).error().kind(), ErrorKind::NotFound);
    EXPECT_EQ(SourceSettings::of("./nonexistent", options).error().kind(), ErrorKind::NotFound);
}

TEST(SourceSettings, OfABareNameNeedAMainCf)
{
    EXPECT_EQ(SourceSettings::of("users", OpenOptions()).error().kind(), ErrorKind::Invalid);
}

TEST(OptionsScope, EndsWithItsBlock)
{
    const StaleIndex outer = process_options().stale_index;
    {
        const auto scope = OptionsScope::enter(main_cf_of("stale_index_action = rebuild\n"));
        EXPECT_EQ(process_options().stale_index, StaleIndex::Rebuild);
    }
    EXPECT_EQ(process_options().stale_index, outer);
}

TEST(Modules, ThatAreMissingAreNamedWithTheirFileAndWhereItWasLookedFor)
{
    const auto scope = OptionsScope::enter(
        main_cf_of("daemon_directory = /nonexistent/daemons\nshlib_directory = /nonexistent/lib\n"));
    for (const std::string type : {"mysql", "pgsql", "ldap"}) {
        auto table = open(type + ":/etc/x");
        ASSERT_FALSE(table);
        EXPECT_EQ(table.error().text(), "unsupported dictionary type: " + type + ": its module posthaste-" + type +
                                            ".so is not in /nonexistent/lib or /nonexistent/daemons: install it, or "
                                            "say in shlib_directory where it is");
        EXPECT_EQ(unknown_type(type).text(), table.error().text());
        EXPECT_FALSE(std::ranges::binary_search(types(), type));
    }
}

SqlLogin host_of(std::string_view word, SqlKind kind)
{
    SqlLogin login{};
    EXPECT_TRUE(set_sql_host(login, word, kind)) << word;
    return login;
}

TEST(SqlHosts, HaveTheFormsOfTheManual)
{
    EXPECT_EQ(host_of("unix:/run/mysqld.sock", SqlKind::Mysql).path, "/run/mysqld.sock");
    EXPECT_EQ(host_of("inet:db.test", SqlKind::Mysql).host, "db.test");
    EXPECT_EQ(host_of("db.test:3307", SqlKind::Mysql).port, 3307);
    EXPECT_EQ(host_of("inet:[2001:db8::1]:3307", SqlKind::Mysql).host, "2001:db8::1");
    EXPECT_EQ(host_of("2001:db8::1", SqlKind::Pgsql).host, "2001:db8::1");
    EXPECT_EQ(host_of("unix:/run/.s.PGSQL.5433", SqlKind::Pgsql).path, "/run");
    EXPECT_EQ(host_of("unix:/run/.s.PGSQL.5433", SqlKind::Pgsql).port, 5433);
    EXPECT_EQ(host_of("postgresql://u@db.test/d?sslmode=require", SqlKind::Pgsql).uri,
              "postgresql://u@db.test/d?sslmode=require");
    SqlLogin login{};
    for (std::string_view wrong : {"db.test:port", "db.test:0", "db.test:99999", "unix:", "[::1", ":3306"})
        EXPECT_FALSE(set_sql_host(login, wrong, SqlKind::Mysql)) << wrong;
}

TEST(SqlQuery, IsMadeOfTheOldSettingsWhereItIsMissing)
{
    const auto query = [](std::string_view text) {
        return sql_query_of(SourceSettings::parse(text, "f").value()).value_or("(error)");
    };
    EXPECT_EQ(query("query = Q\nselect_function = f\n"), "Q");
    EXPECT_EQ(query("select_function = f\ntable = t\n"), "SELECT f('%s')");
    EXPECT_EQ(query("table = t\nselect_field = s\nwhere_field = w\nadditional_conditions = AND x\n"),
              "SELECT s FROM t WHERE w = '%s' AND x");
    EXPECT_EQ(query("table = t\n"), "(error)");
}

class LdapSettings : public testing::Test {
protected:
    Result<LdapLogin> login_of(std::string_view text)
    {
        OpenOptions options;
        options.warn = [this](std::string_view warning) { warnings.emplace_back(warning); };
        return ldap_login_of(SourceSettings::parse(text, "f").value(), options);
    }
    std::string error_of(std::string_view text) { return login_of(text).error().text(); }

    std::vector<std::string> warnings;
};

TEST_F(LdapSettings, OfBindAreOneOfItsWords)
{
    for (std::string_view text : {"", "bind = yes\n", "bind = Simple\n"})
        EXPECT_EQ(login_of(text)->bind, LdapBind::Simple) << text;
    for (std::string_view text : {"bind = no\n", "bind = NONE\n"})
        EXPECT_EQ(login_of(text)->bind, LdapBind::None) << text;
    EXPECT_EQ(login_of("bind = SASL\n")->bind, LdapBind::Sasl);
    EXPECT_EQ(error_of("bind = sasll\n"), "f: unsupported parameter value: bind = sasll");
    EXPECT_EQ(error_of("bind =\n"), "f: unsupported parameter value: bind = ");
}

TEST_F(LdapSettings, OfSaslCountWithItOnly)
{
    const auto login = login_of("version = 3\nbind = sasl\nsasl_mechs = A B\nsasl_realm = r\nsasl_authz_id = u:x\n"
                                "sasl_minssf = 56\n");
    ASSERT_TRUE(login);
    EXPECT_EQ(login->sasl_mechs, "A B");
    EXPECT_EQ(login->sasl_realm, "r");
    EXPECT_EQ(login->sasl_authz_id, "u:x");
    EXPECT_EQ(login->sasl_minssf, 56);
    EXPECT_EQ(login_of("bind = sasl\n")->sasl_minssf, 0);
    EXPECT_EQ(error_of("bind = sasl\nsasl_minssf = x\n"), "f: bad numerical configuration: sasl_minssf = x");
    EXPECT_EQ(error_of("bind = sasl\nsasl_minssf = 4097\n"),
              "f: invalid sasl_minssf parameter value 4097: must be from 0 to 4096");
    EXPECT_TRUE(login_of("bind = simple\nsasl_minssf = x\n"));
}

TEST_F(LdapSettings, ThatNeedVersion3HaveItWithAWarning)
{
    for (std::string_view text :
         {"bind = sasl\n", "start_tls = yes\n", "chase_referrals = 1\n", "server_host = ldaps://h\n"}) {
        warnings.clear();
        EXPECT_EQ(login_of(std::string("version = 2\n").append(text))->version, 3) << text;
        EXPECT_EQ(warnings.size(), 1U) << text;
        EXPECT_EQ(login_of(std::string("version = 3\n").append(text))->version, 3) << text;
        EXPECT_EQ(warnings.size(), 1U) << text;
    }
    warnings.clear();
    EXPECT_EQ(login_of("")->version, 3);
    EXPECT_EQ(login_of("version = 2\nbind = yes\n")->version, 2);
    EXPECT_TRUE(warnings.empty());
}

// A directory: what each base holds.
class FakeDirectory final : public LdapConnection {
public:
    Result<std::vector<LdapEntry>> search(const LdapQuery& query, Moment /*deadline*/) override
    {
        queries.push_back(query);
        auto found = entries.find(query.base);
        if (found == entries.end())
            return fail(ErrorKind::NotFound, "No such object");
        return found->second;
    }
    std::optional<LdapQuery> query_of_url(const std::string& text) override
    {
        if (!text.starts_with("ldap:///"))
            return std::nullopt;
        return LdapQuery{.base = text.substr(8), .scope = LdapScope::One, .filter = "(x=y)", .attributes = {"MAIL"}};
    }

    std::map<std::string, std::vector<LdapEntry>> entries;
    std::vector<LdapQuery> queries;
};

LdapSource source_with(std::string_view base, std::string_view filter)
{
    LdapSource source;
    source.source = "f";
    source.table = "ldap:f";
    source.search_base = KeyTemplate::parse(base, "query", "f").value();
    source.query_filter = KeyTemplate::parse(filter, "query", "f").value();
    source.result_format = KeyTemplate::parse("%s", "result", "f").value();
    source.result_attributes = {"mail"};
    return source;
}

class Ldap : public testing::Test {
protected:
    std::string ask(const std::string& key)
    {
        return said(find_in_directory(source, directory, key, Moment::max(), warnings));
    }

    LdapSource source = source_with("dc=x", "(cn=%s)");
    FakeDirectory directory;
    std::vector<std::string> warnings;
};

TEST_F(Ldap, KeysAreQuotedForBaseAndFilter)
{
    source = source_with("ou=%s,dc=x", "(cn=%s)");
    ask("a*(b),c");
    ASSERT_EQ(directory.queries.size(), 1U);
    EXPECT_EQ(directory.queries[0].base, "ou=a*(b)\\,c,dc=x");
    EXPECT_EQ(directory.queries[0].filter, "(cn=a\\2A\\28b\\29,c)");
    EXPECT_EQ(quoted_for_filter(std::string_view("\\\0", 2)), "\\5C\\00");
}

TEST_F(Ldap, ABaseThatIsMissingIsAMistakeUnlessTheKeyStandsInIt)
{
    EXPECT_EQ(ask("k"), "error: dict_ldap_lookup: f: Search base 'dc=x' not found: 32: No such object");
    source = source_with("ou=%s,dc=x", "(cn=%s)");
    EXPECT_EQ(ask("k"), "(not found)");
    EXPECT_TRUE(warnings.empty());
}

TEST_F(Ldap, AllValuesOfAllEntriesAreJoined)
{
    directory.entries["dc=x"] = {{"a", {{"mail", {"one", "two"}}, {"cn", {"no"}}}},
                                 {"b", {{"MAIL;lang-en", {"three"}}}}};
    EXPECT_EQ(ask("k"), "one,two,three");
    source.expansion_limit = 2;
    EXPECT_EQ(ask("k"), "error: a limit of the table is exceeded");
    EXPECT_EQ(warnings, std::vector<std::string>{"dict_ldap_get_values[1]: f: Expansion limit exceeded for key: 'k'"});
}

TEST_F(Ldap, SpecialAttributesLeadToOtherEntries)
{
    source.special_attributes = {"member"};
    directory.entries["dc=x"] = {{"g", {{"member", {"cn=a", "cn=gone", "ldap:///ou=p"}}, {"mail", {"group"}}}}};
    directory.entries["cn=a"] = {{"cn=a", {{"mail", {"a"}}}}};
    directory.entries["ou=p"] = {{"cn=b", {{"mail", {"b"}}}}};
    EXPECT_EQ(ask("g"), "a,b,group");
    EXPECT_EQ(directory.queries[1].scope, LdapScope::Base);
    EXPECT_EQ(directory.queries[3].attributes, std::vector<std::string>{"mail"});
}

TEST_F(Ldap, LeafAttributesCountWhereThereAreNoSpecialOnesAndTerminalOnesAlone)
{
    source.result_attributes = {};
    source.leaf_attributes = {"mail"};
    source.special_attributes = {"member"};
    source.terminal_attributes = {"maildrop"};
    directory.entries["dc=x"] = {{"g", {{"member", {"cn=a"}}, {"mail", {"group"}}}}};
    directory.entries["cn=a"] = {{"cn=a", {{"mail", {"a"}}}}};
    EXPECT_EQ(ask("g"), "a");
    directory.entries["dc=x"][0].attributes.emplace_back("maildrop", std::vector<std::string>{"end"});
    EXPECT_EQ(ask("g"), "end");
}

TEST_F(Ldap, ReferencesThatGoInCirclesEndAtTheRecursionLimit)
{
    source.special_attributes = {"member"};
    source.recursion_limit = 5;
    directory.entries["dc=x"] = directory.entries["cn=a"] = {{"a", {{"member", {"cn=a"}}}}};
    EXPECT_EQ(ask("g"), "error: a limit of the table is exceeded");
    EXPECT_EQ(directory.queries.size(), 5U);
}

TEST_F(Ldap, WhatAUrlAsksForIsWantedIfTheTableWantsIt)
{
    using List = std::vector<std::string>;
    EXPECT_EQ(wanted_by_url({"mail", "o"}, {}), (List{"mail", "o"}));
    EXPECT_EQ(wanted_by_url({"mail", "o"}, {"MAIL", "cn"}), List{"mail"});
    EXPECT_EQ(wanted_by_url({"mail"}, {"mail;lang-en"}), List{"mail;lang-en"});
    EXPECT_EQ(wanted_by_url({"mail;lang-de"}, {"mail;lang-en"}), List{});
    EXPECT_EQ(wanted_by_url({"mail;lang-de"}, {"mail"}), List{"mail;lang-de"});
}

}  // namespace
}  // namespace posthaste::table
