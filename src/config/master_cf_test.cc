// master.cf: fields, groups, options, printing. Printed forms are those that postconf of Postfix 3.7.11 was seen to
// give.
#include "config/master_cf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

MasterService service(std::string_view line)
{
    auto parsed = parse_master_cf(line, "master.cf");
    EXPECT_TRUE(parsed) << parsed.error().text();
    return parsed && !parsed->services.empty() ? parsed->services.back() : MasterService{};
}

std::string refusal(std::string_view line)
{
    const auto parsed = parse_master_cf(line, "master.cf");
    return parsed ? "accepted" : parsed.error().text();
}

std::string printed(std::string_view line) { return to_text(service(line), Layout::OneLine); }
std::string folded(std::string_view line) { return to_text(service(line), Layout::Folded); }

TEST(MasterCf, FieldsAreRead)
{
    const MasterService flush = service("flush unix n - y 1000? 0 flush");
    EXPECT_EQ(flush.name, "flush");
    EXPECT_EQ(flush.type, ServiceType::Unix);
    EXPECT_EQ(flush.is_private, false);
    EXPECT_EQ(flush.unprivileged, std::nullopt);
    EXPECT_EQ(flush.chroot, true);
    EXPECT_EQ(flush.wakeup, 1000);
    EXPECT_TRUE(flush.wakeup_after_first_use);
    EXPECT_EQ(flush.process_limit, 0);
    EXPECT_EQ(flush.command, "flush");
    EXPECT_EQ(service("127.0.0.1:10025 inet n - n - 2 smtpd").type, ServiceType::Inet);
    EXPECT_EQ(service("postlog unix-dgram n - n - 1 postlogd").type, ServiceType::UnixDgram);
    EXPECT_EQ(service("smtpd pass - - n - - smtpd").type, ServiceType::Pass);
    EXPECT_EQ(service("qmgr fifo n - n 300 1 qmgr").wakeup, 300);
}

TEST(MasterCf, OptionsInEverySpelling)
{
    const MasterService smtpd = service("submission inet n - y - - smtpd\n"
                                        "  -o syslog_name=postfix/submission\n"
                                        "# -o left=out\n"
                                        "  -o { smtpd_client_restrictions = a, b c }\n"
                                        "  -o {x=y} -oz=1 -v\n");
    EXPECT_THAT(smtpd.overrides,
                ElementsAre(Pair("syslog_name", "postfix/submission"), Pair("smtpd_client_restrictions", "a, b c"),
                            Pair("x", "y"), Pair("z", "1")));
    EXPECT_THAT(smtpd.arguments, ElementsAre("-o", "syslog_name=postfix/submission", "-o",
                                             "smtpd_client_restrictions=a, b c", "-o", "x=y", "-o", "z=1", "-v"));
}

TEST(MasterCf, OptionsEndAtTheFirstArgument)
{
    const MasterService uucp = service("uucp unix - n n - - pipe -v flags=F argv=uux -o x -a$sender");
    EXPECT_TRUE(uucp.overrides.empty());
    EXPECT_THAT(uucp.arguments, ElementsAre("-v", "flags=F", "argv=uux", "-o", "x", "-a$sender"));
}

TEST(MasterCf, GroupsHoldWhiteSpace)
{
    EXPECT_THAT(
        service("a unix - n n - 2 pipe argv=x y={a b} ${user?{a b}} {{a b}} {  x   y } ${nexthop} {}").arguments,
        ElementsAre("argv=x", "y={a b}", "${user?{a b}}", "{a b}", "x   y", "${nexthop}", ""));
}

TEST(MasterCf, AllBrokenLinesCanBeNamed)
{
    const auto lines = parse_master_cf_lines("x\na unix - n n - 2 pipe\ny\n", "master.cf");
    ASSERT_EQ(lines.errors.size(), 2);
    EXPECT_EQ(lines.errors[1].place.line, 3);
    EXPECT_EQ(lines.good.services.size(), 1);
}

TEST(MasterCf, ErrorsNameFileAndLine)
{
    EXPECT_THAT(refusal("\na unix - n n - 2\n"), HasSubstr("master.cf, line 2: bad field count"));
    EXPECT_EQ(refusal("a unixx - n n - 2 pipe"), "master.cf, line 1: invalid type field \"unixx\": inet, unix, "
                                                 "unix-dgram, pass or fifo expected");
    EXPECT_EQ(refusal("a unix x n n - 2 pipe"), "master.cf, line 1: invalid private field \"x\": y, n or - expected");
    EXPECT_EQ(refusal("a unix - n n 5x 2 pipe"),
              "master.cf, line 1: invalid wakeup field \"5x\": seconds, seconds? or - expected");
    EXPECT_EQ(refusal("a unix - n n 5? x pipe"),
              "master.cf, line 1: invalid process_limit field \"x\": a number or - expected");
    EXPECT_EQ(refusal("a unix - n n - 2 pipe {a b"), "master.cf, line 1: missing '}' in \"{a b\"");
    EXPECT_EQ(refusal("a unix - n n - 2 pipe a}{b c}"), "master.cf, line 1: missing '{' in \"a}{b c}\"");
    EXPECT_EQ(refusal("a unix - n n - 2 pipe {x}y"), "master.cf, line 1: syntax error after '}' in \"{x}y\"");
    EXPECT_THAT(refusal("a unix - n n - 2 smtpd -o x = y"), HasSubstr("missing '=' after attribute name: \"x\""));
    EXPECT_EQ(refusal("a unix - n n - 2 smtpd -o"), "master.cf, line 1: name=value expected after -o");
}

TEST(MasterCf, ARepeatedServiceReplacesTheEarlierOne)
{
    const auto parsed =
        parse_master_cf("a unix - n n - 1 one\nb unix - n n - 1 b\na unix - n n - 2 two\n", "master.cf");
    ASSERT_TRUE(parsed);
    ASSERT_EQ(parsed->services.size(), 2);
    EXPECT_EQ(parsed->services[0].command, "two");
    ASSERT_EQ(parsed->notices.size(), 1);
    EXPECT_EQ(parsed->notices[0].text, "service a/unix replaces the one of line 1");
}

TEST(MasterCf, PrintedInColumns)
{
    EXPECT_EQ(printed("smtp inet n - y - - smtpd"), "smtp       inet  n       -       y       -       -       smtpd");
    EXPECT_EQ(printed("scalemail-backend unix - n n - 2 pipe flags=R"),
              "scalemail-backend unix - n       n       -       2       pipe flags=R");
    EXPECT_EQ(printed("b unix-dgram n - n - 1 postlogd"),
              "b          unix-dgram n  -       n       -       1       postlogd");
    EXPECT_EQ(printed("127.0.0.1:10025 inet n - n - 2 smtpd"),
              "127.0.0.1:10025 inet n   -       n       -       2       smtpd");
    EXPECT_EQ(printed("a unix - n n 5? 2 pipe -o {c = d e} argv=x y={a b} -o {e = f} {  x   y } {{a b}}"),
              "a          unix  -       n       n       5?      2       pipe -o {c=d e} argv=x {y={a b}} -o {e = f} "
              "{x   y} {{a b}}");
}

TEST(MasterCf, OptionsJoinedAndOptionsThatAreOver)
{
    EXPECT_EQ(folded("a unix - - n - - smtp -vo x=y"),
              "a          unix  -       -       n       -       -       smtp -v\n    -o x=y");
    const auto service = parse_service("a unix - - n - - smtp -- -o x=y");
    ASSERT_TRUE(service);
    EXPECT_TRUE(service->overrides.empty());
}

TEST(MasterCf, FoldedOptionsStandOnLinesOfTheirOwn)
{
    EXPECT_EQ(folded("smtp inet n - y - - smtpd -o a=b -v"),
              "smtp       inet  n       -       y       -       -       smtpd\n    -o a=b\n    -v");
    EXPECT_EQ(folded("flt unix - n n - - pipe -o z=1 flags=R user=x"),
              "flt        unix  -       n       n       -       -       pipe\n    -o z=1\n    flags=R user=x");
    EXPECT_EQ(folded("smtp inet n - y - - smtpd -v -o a=b"),
              "smtp       inet  n       -       y       -       -       smtpd -v\n    -o a=b");
    // A line that begins with # would be a comment.
    EXPECT_EQ(folded("flt unix - n n - - pipe -o z=1 #tag"),
              "flt        unix  -       n       n       -       -       pipe\n    -o z=1 #tag");
    EXPECT_EQ(folded("scalemail-backend unix - n n - 2 pipe flags=R user=scalemail "
                     "argv=/usr/lib/scalemail/bin/scalemail-store ${nexthop} ${user} ${extension}"),
              "scalemail-backend unix - n       n       -       2       pipe flags=R\n"
              "    user=scalemail argv=/usr/lib/scalemail/bin/scalemail-store ${nexthop}\n"
              "    ${user} ${extension}");
}

}  // namespace
}  // namespace posthaste::config
