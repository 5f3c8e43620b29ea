// Snapshots: every kind of parameter, overrides, defaults that are functions, stress, families, errors with places.
#include "config/config.h"

#include "base/fd.h"
#include "param/basics.h"
#include "param/bounce.h"
#include "param/cleanup.h"
#include "param/local.h"
#include "param/pipe.h"
#include "param/qmgr.h"
#include "param/rewrite.h"
#include "param/smtp.h"
#include "param/smtp_lookup.h"
#include "param/smtpd.h"

#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::config {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

std::shared_ptr<const Config> loaded(std::string_view text, LoadOptions options = {})
{
    auto config = load_text(text, "main.cf", std::move(options));
    EXPECT_TRUE(config) << config.error().text();
    return config.value_or(nullptr);
}

std::string refusal(std::string_view text, LoadOptions options = {})
{
    const auto config = load_text(text, "main.cf", std::move(options));
    return config ? "accepted" : config.error().text();
}

TEST(Config, DefaultsHaveTheRightTypes)
{
    const auto config = loaded("");
    EXPECT_EQ(config->get(param::smtpd_recipient_limit), 1000);
    EXPECT_EQ(config->get(param::message_size_limit), std::int64_t{10240000});
    EXPECT_TRUE(config->get(param::smtpd_delay_reject));
    EXPECT_EQ(config->get(param::maximal_queue_lifetime), seconds(5 * 86400));
    EXPECT_EQ(config->get(param::recipient_delimiter), "");
    static_assert(std::is_same_v<decltype(config->get(param::recipient_delimiter)), const std::string&>);
    static_assert(std::is_same_v<decltype(config->get(param::message_size_limit)), std::int64_t>);
}

TEST(Config, SettingsReplaceDefaultsAndOverridesReplaceSettings)
{
    const std::string text = "smtpd_recipient_limit = 5\nsmtpd_recipient_limit = 6\n";
    EXPECT_EQ(loaded(text)->get(param::smtpd_recipient_limit), 6);
    EXPECT_EQ(loaded(text, {.overrides = {{"smtpd_recipient_limit", "7"}}})->get(param::smtpd_recipient_limit), 7);
}

TEST(Config, NamesInValuesAreExpanded)
{
    const auto config =
        loaded("myhostname = mail.example.com\nlist = a $mydomain\nmydestination = ${list}, $undefined b\n");
    EXPECT_EQ(config->get(param::mydomain), "example.com");
    EXPECT_EQ(config->get(param::myorigin), "mail.example.com");
    EXPECT_EQ(config->get(param::mydestination), "a example.com,  b");
    EXPECT_EQ(config->expand("<$list>"), "<a example.com>");
}

TEST(Config, RawParametersKeepTheirNames)
{
    EXPECT_EQ(loaded("forward_path = $home/x\n")->get(param::forward_path), "$home/x");
    EXPECT_EQ(loaded("")->get(param::luser_relay), "");
}

TEST(Config, HostnameAndDomainMayReferToEachOther)
{
    EXPECT_EQ(loaded("mydomain = example.org\nmyhostname = mx.$mydomain\n")->get(param::myhostname), "mx.example.org");
    EXPECT_FALSE(loaded("myhostname = mx.$mydomain\n")->get(param::myhostname).empty());
    EXPECT_EQ(loaded("myhostname = single\n")->get(param::mydomain), "localdomain");
}

TEST(Config, DefaultNetworksIncludeThisMachine)
{
    EXPECT_THAT(loaded("inet_protocols = ipv4\nmynetworks_style = host\n")->get(param::mynetworks),
                HasSubstr("127.0.0.1/32"));
    EXPECT_THAT(loaded("inet_protocols = ipv4\nmynetworks_style = subnet\n")->get(param::mynetworks),
                HasSubstr("127.0.0.0/8"));
    EXPECT_EQ(loaded("mynetworks = 10.0.0.0/8\n")->get(param::mynetworks), "10.0.0.0/8");
}

TEST(Config, DefaultsFollowTheCompatibilityLevel)
{
    EXPECT_TRUE(loaded("compatibility_level = 0\n")->get(param::append_dot_mydomain));
    EXPECT_FALSE(loaded("compatibility_level = 3.6\n")->get(param::append_dot_mydomain));
    EXPECT_EQ(loaded("compatibility_level = 1\nmydestination = a\n")->get(param::relay_domains), "a");
    EXPECT_EQ(loaded("compatibility_level = 3.12\nmydestination = a\n")->get(param::relay_domains), "");
    EXPECT_TRUE(loaded("compatibility_level = 3.12\n")->get(param::smtpd_relay_before_recipient_restrictions));
    EXPECT_FALSE(loaded("compatibility_level = 3.5\n")->get(param::smtpd_relay_before_recipient_restrictions));
}

TEST(Config, StressIsATwin)
{
    const auto config = loaded("");
    EXPECT_EQ(config->get(param::smtpd_timeout), seconds(300));
    EXPECT_EQ(config->stressed().get(param::smtpd_timeout), seconds(10));
    EXPECT_EQ(config->stressed().get(param::smtpd_hard_error_limit), 1);
    EXPECT_EQ(config->stressed().stressed().get(param::smtpd_hard_error_limit), 1);
}

TEST(Config, TimesHaveTheUnitOfTheirDefault)
{
    EXPECT_EQ(loaded("maximal_queue_lifetime = 2\n")->get(param::maximal_queue_lifetime), seconds(2 * 86400));
    EXPECT_EQ(loaded("smtpd_timeout = 2m\n")->get(param::smtpd_timeout), seconds(120));
    EXPECT_EQ(loaded("delay_warning_time = 4\n")->get(param::delay_warning_time), seconds(4 * 3600));
}

TEST(Config, LmtpHandlesAreMirrors)
{
    const auto config = loaded("smtp_connect_timeout = 7s\nlmtp_lhlo_name = l.example\n");
    EXPECT_EQ(config->get(param::smtp_connect_timeout), seconds(7));
    EXPECT_EQ(config->get(param::smtp_connect_timeout.lmtp()), seconds(0));
    EXPECT_EQ(config->get(param::smtp_helo_name.lmtp()), "l.example");
    EXPECT_EQ(config->get(param::smtp_tcp_port.lmtp()), "24");
    EXPECT_EQ(config->get(param::ignore_mx_lookup_error.lmtp()), false);
}

TEST(Config, FamiliesFallBackToTheDefaultForAll)
{
    namespace service = param::per_service;
    const auto config = loaded("default_destination_concurrency_limit = 9\nslow_destination_concurrency_limit = 1\n"
                               "slow_destination_rate_delay = 2m\nmy-filter_time_limit = 9\n"
                               "odd_destination_recipient_limit = $slow_destination_concurrency_limit\n");
    EXPECT_EQ(config->get_for("smtp", service::destination_concurrency_limit), 9);
    EXPECT_EQ(config->get_for("slow", service::destination_concurrency_limit), 1);
    EXPECT_EQ(config->get_for("local", service::destination_concurrency_limit), 2);
    EXPECT_EQ(config->get_for("slow", service::destination_rate_delay), seconds(120));
    EXPECT_EQ(config->get_for("my-filter", service::time_limit), seconds(9));
    EXPECT_EQ(config->get_for("odd", service::destination_recipient_limit), 1);
    EXPECT_EQ(config->get_for("slow", service::destination_concurrency_positive_feedback), "1");
}

TEST(Config, ProcessAndServiceNamesCannotBeSet)
{
    const auto config = loaded("process_name = x\nsyslog_name = postfix/$service_name\n",
                               {.process_name = "smtpd", .service_name = "submission"});
    EXPECT_EQ(config->expand("$process_name"), "smtpd");
    EXPECT_EQ(config->expand("$syslog_name"), "postfix/submission");
    EXPECT_EQ(config->expand("$process_id"), std::to_string(::getpid()));
}

TEST(Config, UserDefinedParametersAreReadByName)
{
    const auto config = loaded("my_checks = permit_mynetworks, $other\nother = reject\n");
    EXPECT_EQ(config->value_of("my_checks")->value(), "permit_mynetworks, reject");
    EXPECT_FALSE(config->value_of("nobody")->has_value());
    EXPECT_EQ(config->raw("my_checks"), "permit_mynetworks, $other");
}

TEST(Config, OriginMayStandInAFile)
{
    char path[] = "/tmp/posthaste-origin-XXXXXX";
    UniqueFd fd(::mkstemp(path));
    ASSERT_TRUE(write_fully(fd.get(), "example.net\nmore\n"));
    const auto config = loaded(std::string("myorigin = ") + path + "\n");
    EXPECT_EQ(config->get(param::myorigin), "example.net");
    ::unlink(path);
    EXPECT_EQ(config->expand("$myorigin"), "example.net") << "a process in a jail cannot open the file any more";
    EXPECT_THAT(refusal(std::string("myorigin = ") + path + "\n"), HasSubstr("main.cf, line 1: myorigin: "));
}

TEST(Config, BadValuesAreRefusedWithTheirPlace)
{
    EXPECT_EQ(refusal("\nsmtpd_recipient_limit = many\n"),
              "main.cf, line 2: smtpd_recipient_limit: a whole number expected, not \"many\"");
    EXPECT_EQ(refusal("smtpd_recipient_limit = 0\n"),
              "main.cf, line 1: smtpd_recipient_limit: a value of at least 1 expected, not \"0\"");
    EXPECT_EQ(refusal("smtpd_delay_reject = maybe\n"),
              "main.cf, line 1: smtpd_delay_reject: yes or no expected, not \"maybe\"");
    EXPECT_EQ(refusal("smtpd_timeout = 5y\n"),
              "main.cf, line 1: smtpd_timeout: a whole number and a unit (s, m, h, d, w) expected, not \"5y\"");
    EXPECT_EQ(refusal("", {.overrides = {{"smtpd_timeout", "x"}}}),
              "-o: smtpd_timeout: a whole number and a unit (s, m, h, d, w) expected, not \"x\"");
    EXPECT_EQ(refusal("mydestination = $mydestination\n"),
              "main.cf, line 1: mydestination: $mydestination refers to itself: mydestination -> mydestination");
}

TEST(Config, WordsAreThoseOfTheDeclaration)
{
    EXPECT_EQ(refusal("mynetworks_style = planet\n"),
              "main.cf, line 1: mynetworks_style: host, subnet or class expected, not \"planet\"");
    EXPECT_EQ(refusal("smtp_host_lookup = native, dsn\n"),
              "main.cf, line 1: smtp_host_lookup: dns or native expected, not \"dsn\"");
    EXPECT_EQ(refusal("lmtp_host_lookup = dsn\n"),
              "main.cf, line 1: lmtp_host_lookup: dns or native expected, not \"dsn\"");
    EXPECT_EQ(refusal("", {.overrides = {{"smtpd_forbid_bare_newline", "nomralize"}}}),
              "-o: smtpd_forbid_bare_newline: normalize, yes, reject, note or no expected, not \"nomralize\"");
    const auto config = loaded("smtp_host_lookup = $x\nx = native dns\n");
    EXPECT_EQ(config->get(param::smtp_host_lookup), "native dns");
}

TEST(Config, OneWordIsNotAList)
{
    EXPECT_EQ(refusal("smtp_address_preference = ipv4, ipv6\n"),
              "main.cf, line 1: smtp_address_preference: any, ipv4 or ipv6 expected, not \"ipv4, ipv6\"");
}

TEST(Config, WordsMayBeLeftOutWhereTheDeclarationSaysSo)
{
    EXPECT_EQ(refusal("inet_protocols =\n"), "main.cf, line 1: inet_protocols: all, ipv4 or ipv6 expected, not \"\"");
    EXPECT_EQ(refusal("mynetworks_style =\n"),
              "main.cf, line 1: mynetworks_style: host, subnet or class expected, not \"\"");
    EXPECT_EQ(loaded("smtp_dns_support_level =\n")->get(param::smtp_dns_support_level), "");
    EXPECT_EQ(loaded("notify_classes =\n")->get(param::notify_classes), "");
    EXPECT_THAT(refusal("smtp_dns_support_level = on\n"),
                HasSubstr("disabled, enabled or dnssec, or nothing, expected, not \"on\""));
}

TEST(Config, CaseOfWordsCountsOnlyWhereTheManualSaysSo)
{
    EXPECT_EQ(loaded("smtp_host_lookup = DNS, Native\n")->get(param::smtp_host_lookup), "dns, native");
    EXPECT_EQ(loaded("smtp_dns_resolver_options = res_dnsrch\n")->get(param::smtp_dns_resolver_options), "res_dnsrch");
    EXPECT_THAT(refusal("smtp_dns_resolver_options = RES_DNSRCH\n"), HasSubstr("not \"RES_DNSRCH\""));
    EXPECT_EQ(loaded("mynetworks_style = HOST\n")->get(param::mynetworks),
              loaded("mynetworks_style = host\n")->get(param::mynetworks));
}

TEST(Config, BadValuesCanBeCollected)
{
    const auto config =
        loaded("smtpd_recipient_limit = many\nmynetworks_style=x\n", {.bad_values = BadValues::Collect});
    EXPECT_EQ(config->get(param::smtpd_recipient_limit), 1000);
    ASSERT_EQ(config->problems().size(), 2);
    EXPECT_EQ(config->problems()[0].text, "mynetworks_style: host, subnet or class expected, not \"x\"");
    EXPECT_EQ(config->problems()[0].place.line, 2);
    EXPECT_EQ(config->problems()[1].place.line, 1);
}

TEST(Config, LoadReadsTheDirectoryThatWasAsked)
{
    char directory[] = "/tmp/posthaste-config-XXXXXX";
    ASSERT_NE(::mkdtemp(directory), nullptr);
    const std::string file = std::string(directory) + "/main.cf";
    EXPECT_EQ(load({.config_directory = directory}).error().kind(), ErrorKind::NotFound);
    ASSERT_TRUE(replace_file(file, "myhostname = a.example\n"));
    const auto config = load({.config_directory = std::string(directory) + "/"});
    ASSERT_TRUE(config) << config.error().text();
    EXPECT_EQ((*config)->get(param::config_directory), directory);
    EXPECT_EQ((*config)->place("myhostname")->text(), file + ", line 1");
    ::unlink(file.c_str());
    ::rmdir(directory);
}

}  // namespace
}  // namespace posthaste::config
