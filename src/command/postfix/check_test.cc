// check_test.cc — single checks over configurations in memory; test/system/test_check.py has each kind of finding.
#include "command/postfix/checks.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <nlohmann/json.hpp>

namespace posthaste::postfix {
namespace {

struct Fixture {
    Fixture(std::string_view main_cf, std::string_view master)
        : config(*config::load_text(
              "myhostname = mail.here.test\ninet_interfaces = 127.0.0.1\nalias_maps =\nalias_database =\n" +
                  std::string(main_cf),
              "main.cf", {.bad_values = config::BadValues::Collect})),
          master_cf(*config::parse_master_cf(master, "master.cf")),
          subject{.config = *config, .master_cf = master_cf, .is_root = false, .state = SystemState::Stopped}
    {
    }

    std::vector<std::string> texts(void (*look)(const Subject&, Findings&)) const
    {
        Findings found;
        look(subject, found);
        std::vector<std::string> texts;
        for (const Finding& finding : found)
            texts.push_back(to_text(finding));
        return texts;
    }

    std::shared_ptr<const config::Config> config;
    config::MasterCf master_cf;
    Subject subject;
};

constexpr std::string_view agents = "smtp unix - - n - - smtp\nrelay unix - - n - - smtp\nlocal unix - n n - - local\n"
                                    "virtual unix - n n - - virtual\nerror unix - - n - - error\n"
                                    "rewrite unix - - n - - trivial-rewrite\n";

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Check, KnowsFileSystemsThatDoNotOverwrite)
{
    EXPECT_EQ(copy_on_write_file_system(BTRFS_SUPER_MAGIC), "btrfs");
    EXPECT_EQ(copy_on_write_file_system(EXT4_SUPER_MAGIC), "");
    EXPECT_EQ(copy_on_write_file_system(XFS_SUPER_MAGIC), "");
}

TEST(Check, a_finding_says_where_what_and_what_to_do)
{
    Finding finding{.severity = Severity::Error,
                    .place = {.file = "/etc/postfix/main.cf", .line = 7},
                    .parameter = "relayhost",
                    .text = "no such host",
                    .remedy = "correct it"};
    EXPECT_EQ(to_text(finding), "/etc/postfix/main.cf, line 7: relayhost: no such host; correct it");
    auto json = nlohmann::json::parse(to_json({finding}));
    EXPECT_EQ(json[0]["severity"], "error");
    EXPECT_EQ(json[0]["line"], 7);
    EXPECT_EQ(json[0]["service"], "");
    EXPECT_EQ(nlohmann::json::parse(to_json({})), nlohmann::json::array());
}

TEST(Check, the_worst_finding_decides)
{
    EXPECT_EQ(worst({}), Severity::Note);
    EXPECT_EQ(worst({{.severity = Severity::Error}, {.severity = Severity::Fatal}, {.severity = Severity::Note}}),
              Severity::Fatal);
    EXPECT_EQ(nlohmann::json::parse(to_json({{.severity = Severity::Fatal}}))[0]["severity"], "fatal");
}

TEST(Check, nexthops_that_cannot_be_understood)
{
    for (const char* bad :
         {"[a.test", "a.test:0", "[a.test]x", "[a.test]:smpt", "[192.0.2.1]:25:26", "http://a.test", "smtp:[a.test]",
          "smtp:b.test]:25", "a.test 587", "[a.test] # the gateway", "587", "u@a.test", "a..test", "[192.0.2.l.]:"})
        EXPECT_THAT(Fixture(fmt::format("relayhost = {}\n", bad), agents).texts(checks::transports),
                    ElementsAre(AllOf(HasSubstr(fmt::format("relayhost: {}: \"", bad)),
                                      HasSubstr("; mail for it waits; correct it: host, [host] or [host]:port"))))
            << bad;
    EXPECT_THAT(Fixture("transport_maps = inline:{{b.test=smtp:smtp:b.test]:25}}\n", agents).texts(checks::transports),
                ElementsAre(HasSubstr("\"smtp:b.test]:25\" has neither a host name nor an address")));
    EXPECT_THAT(Fixture("known_tcp_ports = smpt=25\nrelayhost = [a.test]:smpt\n", agents).texts(checks::transports),
                IsEmpty());
}

TEST(Check, fallback_relays_that_cannot_be_understood)
{
    EXPECT_THAT(Fixture("smtp_fallback_relay = [a.test], [b.test]:26\n", agents).texts(checks::transports), IsEmpty());
    EXPECT_THAT(
        Fixture("smtp_fallback_relay = smtp:[a.test]\n", agents).texts(checks::transports),
        ElementsAre(AllOf(HasSubstr("main.cf, line 5: smtp_fallback_relay: smtp:[a.test]: \"smtp:[a.test]\" has"),
                          HasSubstr("mail for it waits; correct it: host"))));
    EXPECT_THAT(Fixture("", std::string(agents) + "slow unix - - n - - smtp -o smtp_fallback_relay=587\n")
                    .texts(checks::transports),
                ElementsAre(HasSubstr("smtp_fallback_relay: 587: \"587\" has neither")));
}

TEST(Check, address_classes_find_domains_in_two_lists)
{
    EXPECT_THAT(Fixture("mydestination = here.test\nvirtual_mailbox_domains = box.test\n", agents)
                    .texts(checks::address_classes),
                IsEmpty());
    EXPECT_THAT(Fixture("mydestination = Here.test, b.test\nvirtual_mailbox_domains = inline:{{here.test=x}}\n", agents)
                    .texts(checks::address_classes),
                ElementsAre(HasSubstr("domain here.test is also in mydestination")));
    EXPECT_THAT(Fixture("relay_domains = $mydestination\n", agents).texts(checks::address_classes), IsEmpty());
    EXPECT_THAT(Fixture("mydestination = a, inline:{{a=b}\n", agents).texts(checks::address_classes),
                ElementsAre(HasSubstr("main.cf, line 5: mydestination: ")));
}

TEST(Check, transports_name_services_of_master_cf)
{
    EXPECT_THAT(Fixture("relayhost = [a.test]:25\n", agents).texts(checks::transports), IsEmpty());
    EXPECT_THAT(Fixture("default_transport = x:\n", agents).texts(checks::transports),
                ElementsAre(HasSubstr("main.cf, line 5: default_transport: x:: master.cf has no service x")));
    EXPECT_THAT(Fixture("relay_transport = :b\n", agents).texts(checks::transports),
                ElementsAre(HasSubstr("main.cf, line 5: relay_transport: \":b\" names no transport")));
    EXPECT_THAT(Fixture("transport_maps = inline:{{a=smtp:[b}{c=local:}{d=:[e]}}\n", agents).texts(checks::transports),
                ElementsAre(HasSubstr("row \"a\"")));
    EXPECT_THAT(
        Fixture("sender_dependent_relayhost_maps = inline:{{@a=DUNNO}{@b=[b}}\n", agents).texts(checks::transports),
        ElementsAre(HasSubstr("row \"@b\"")));
}

TEST(Check, routes_are_those_of_the_rewrite_line)
{
    const auto found = [](const std::string& main_cf, const std::string& options) {
        const std::string line = "route unix - - n - - trivial-rewrite" + options + "\n";
        return Fixture("rewrite_service_name = route\n" + main_cf, std::string(agents) + line)
            .texts(checks::transports);
    };
    EXPECT_THAT(found("default_transport = x:\n", " -o default_transport=smtp:"), IsEmpty());
    EXPECT_THAT(found("", " -o relayhost=[a.test"), ElementsAre(HasSubstr("master.cf, line 7: relayhost: ")));
    EXPECT_THAT(found("relayhost = [a.test\n", " -o default_transport=smtp:"),
                ElementsAre(HasSubstr("main.cf, line 6: relayhost: ")));
    EXPECT_THAT(found("default_transport = :x\n", " -o default_transport=smtp: -o resolve_null_domain=maybe"),
                IsEmpty())
        << "overrides() says so";
    EXPECT_THAT(Fixture("", std::string(agents) + "a unix - - n - - smtp -o rewrite_service_name=b\n")
                    .texts(checks::transports),
                ElementsAre(HasSubstr("master.cf, line 7: rewrite_service_name: master.cf has no unix service b")));
    EXPECT_THAT(Fixture("rewrite_service_name = route\n", agents).texts(checks::transports),
                ElementsAre(HasSubstr("main.cf, line 5: rewrite_service_name: master.cf has no unix service route")));
    EXPECT_THAT(Fixture("mydestination = a.test\n", std::string(agents) + "rewrite unix - - n - - trivial-rewrite -o "
                                                                          "virtual_mailbox_domains=a.test\n")
                    .texts(checks::address_classes),
                ElementsAre(HasSubstr("virtual_mailbox_domains: domain a.test is also in mydestination")));
}

TEST(Check, tables_of_main_cf_and_of_overrides)
{
    EXPECT_THAT(Fixture("transport_maps = inline:{{a=b}}\n", agents).texts(checks::tables), IsEmpty());
    EXPECT_THAT(Fixture("transport_maps = hash:/none/t\n", agents).texts(checks::tables),
                ElementsAre(HasSubstr("make it with: postmap hash:/none/t")));
    EXPECT_THAT(Fixture("", "smtp inet n - n - - smtpd -o virtual_alias_maps=texthash:/none/v\n").texts(checks::tables),
                ElementsAre(HasSubstr("service smtp/inet")));
    // local_recipient_maps has it, too, by its default.
    EXPECT_THAT(Fixture("alias_maps = hash:/none/a\n", agents).texts(checks::tables),
                ElementsAre(HasSubstr("main.cf, line 5: alias_maps: hash:/none/a")));
    EXPECT_THAT(Fixture("virtual_alias_maps = inline:{{a=b}\n", agents).texts(checks::tables),
                Contains(HasSubstr("main.cf, line 5: virtual_alias_maps: ")));
    // A socket and a cache are no tables that must exist.
    EXPECT_THAT(Fixture("address_verify_map = btree:/none/cache\n", agents).texts(checks::tables), IsEmpty());
}

TEST(Check, words_that_are_no_tables_where_only_tables_stand)
{
    const auto found = [](const std::string& main_cf) { return Fixture(main_cf, agents).texts(checks::tables); };
    EXPECT_THAT(found("virtual_alias_maps = hsah:/etc/x\n"),
                ElementsAre(HasSubstr("virtual_alias_maps: hsah:/etc/x: unsupported dictionary type: hsah")));
    EXPECT_THAT(found("canonical_maps = /etc/aliases\n"), ElementsAre(HasSubstr("expecting \"type:name\" form")));
    EXPECT_THAT(found("relay_domains = hsah.test, /etc/x\n"), IsEmpty());
}

TEST(Check, rules_with_substitutions_where_they_are_refused)
{
    const std::string rules = "regexp:{{/^(.*)@a.test/ discard:$$1}}";
    EXPECT_THAT(
        Fixture("transport_maps = " + rules + "\nvirtual_alias_maps = " + rules + "\n", agents).texts(checks::tables),
        ElementsAre(HasSubstr(", line 1: regular expression substitution is not "
                              "allowed: skipping this rule")));
}

TEST(Check, overrides_with_bad_values)
{
    EXPECT_THAT(Fixture("", "smtp inet n - n - - smtpd -o content_filter=\n").texts(checks::service_users), IsEmpty());
    EXPECT_THAT(Fixture("", "f unix - n n - - pipe user=no-such-account argv=/bin/true\n").texts(checks::service_users),
                ElementsAre(HasSubstr("service f/unix: user=no-such-account")));
}

}  // namespace
}  // namespace posthaste::postfix
