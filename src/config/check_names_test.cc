// Which names are in use, and what is said about the others.
#include "config/check_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::config {
namespace {

struct Fixture {
    Fixture(std::string_view main_cf, std::string_view master_cf)
        : config(*load_text(main_cf, "main.cf", {.bad_values = BadValues::Collect})),
          master(*parse_master_cf(master_cf, "master.cf")), check(*config, master.services)
    {
    }
    std::shared_ptr<const Config> config;
    MasterCf master;
    NameCheck check;
};

TEST(CheckNames, DeclaredAndReferredNamesAreInUse)
{
    const Fixture f("a = 1\nmydestination = ${a?{$b}}\nsmtpd_restriction_classes = strict\n",
                    "slow unix - - n - - smtp -o smtpd_client_restrictions=$c\n");
    EXPECT_EQ(f.check.classify("mydestination"), NameClass::Builtin);
    EXPECT_EQ(f.check.classify("a"), NameClass::UserDefined);
    EXPECT_EQ(f.check.classify("b"), NameClass::UserDefined);
    EXPECT_EQ(f.check.classify("c"), NameClass::UserDefined);
    EXPECT_EQ(f.check.classify("strict"), NameClass::UserDefined);
    EXPECT_EQ(f.check.classify("slow_destination_rate_delay"), NameClass::Service);
    EXPECT_EQ(f.check.classify("fast_destination_rate_delay"), NameClass::Unknown);
    EXPECT_EQ(f.check.classify("d"), NameClass::Unknown);
}

TEST(CheckNames, SettingsOfTablesAreInUse)
{
    const Fixture f("virtual_alias_maps = hash:/a, proxy:ldap:people, ldap:/etc/x.cf\n", "");
    EXPECT_EQ(f.check.classify("people_server_host"), NameClass::UserDefined);
    EXPECT_EQ(f.check.classify("x_server_host"), NameClass::Unknown);
}

TEST(CheckNames, ProblemsSayWhatIsWrong)
{
    const Fixture f("smtpd_recipent_limit = 1\nsmtp_tls_loglevel = 1\nzzz = 1\n", "s inet n - n - - smtpd -o mine=1\n");
    const std::vector<NameProblem> problems = f.check.problems();
    ASSERT_EQ(problems.size(), 4);
    EXPECT_EQ(problems[0].text, "unused parameter: smtpd_recipent_limit=1 (is smtpd_recipient_limit meant?)");
    EXPECT_EQ(problems[1].text, "smtp_tls_loglevel: known to Postfix, not yet implemented here (planned): "
                                "the SMTP client does not use TLS yet");
    EXPECT_EQ(problems[2].text, "unused parameter: zzz=1");
    EXPECT_EQ(problems[3].text, "unused parameter: mine=1");
    EXPECT_EQ(problems[3].setting.place.file, "master.cf");
}

TEST(CheckNames, AnOldNameIsInUseIfTheDefaultOfTheNewOneRefersToIt)
{
    const Fixture f("virtual_maps = hash:/a\nenable_errors_to = yes\n", "");
    EXPECT_EQ(f.check.classify("virtual_maps"), NameClass::UserDefined);
    const std::vector<NameProblem> problems = f.check.problems();
    ASSERT_EQ(problems.size(), 1);
    EXPECT_EQ(problems[0].text, "unused parameter: enable_errors_to=yes (Errors-To: headers have had no meaning since "
                                "Postfix 2.2)");
}

TEST(CheckNames, OnlyTheDefaultOfARefusedParameterIsAccepted)
{
    const Fixture f("non_bdb_migration_level = disable\n", "s inet n - n - - smtpd -o non_bdb_migration_level=x\n");
    const std::vector<NameProblem> problems = f.check.problems();
    ASSERT_EQ(problems.size(), 1);
    EXPECT_EQ(problems[0].name_class, NameClass::Refused);
    EXPECT_THAT(problems[0].text,
                testing::StartsWith("non_bdb_migration_level=x is not supported, only the default disable: hash: and"));
    EXPECT_EQ(problems[0].setting.place.file, "master.cf");
}

TEST(CheckNames, DefaultsOfAnOlderLevelAreNamed)
{
    const auto names = [](std::string_view main_cf) {
        std::string text;
        for (const LegacyDefault& legacy : legacy_defaults(*Fixture(main_cf, "").config))
            text += legacy.text() + "\n";
        return text;
    };
    EXPECT_EQ(names("compatibility_level = 3.12\n"), "");
    EXPECT_EQ(names("compatibility_level = 1\nmynetworks_style = host\nrespectful_logging = yes\n"
                    "smtpd_relay_before_recipient_restrictions = yes\nmydestination = a\n"),
              "using backwards-compatible default setting relay_domains=a\n"
              "using backwards-compatible default setting smtpd_tls_fingerprint_digest=md5\n");
}

TEST(CheckNames, EveryServiceThatDeliversHasItsFamilies)
{
    const Fixture f("", "slow unix - - n - - smtp\nfilter unix - n n - - pipe argv=x\nd unix - - n - - discard\n"
                        "run unix - n n - 0 spawn argv=x\n");
    std::vector<std::string> names;
    for (const auto& parameter : f.check.service_parameters())
        names.push_back(parameter.name);
    EXPECT_THAT(names, testing::Contains("slow_destination_concurrency_limit"));
    EXPECT_THAT(names, testing::Contains("filter_time_limit"));
    EXPECT_THAT(names, testing::Contains("run_time_limit"));
    EXPECT_THAT(names, testing::Not(testing::Contains("slow_time_limit")));
    EXPECT_EQ(names.size(), 16U + 17U + 1U);
}

}  // namespace
}  // namespace posthaste::config
