#include "dsn/notification_template.h"

#include <gtest/gtest.h>

namespace posthaste::dsn {
namespace {

NotificationTemplate failure_of(std::string_view text) { return parse_notification_templates(text, "f")->templates[0]; }

std::vector<std::string> warnings_of(std::string_view text)
{
    return parse_notification_templates(text, "f")->warnings;
}

TEST(NotificationTemplates, FieldsThatAreLeftOutKeepTheirBuiltInValue)
{
    NotificationTemplate made =
        failure_of("# a comment\n\nfailure_template = <<END\nsubject: Oh\nFrom: me <x>\n\nline\n\nlast\nEND\n");
    EXPECT_EQ(made.subject, "Oh");
    EXPECT_EQ(made.from, "me <x>");
    EXPECT_EQ(made.charset, "us-ascii");
    EXPECT_EQ(made.postmaster_subject, "Postmaster Copy: Undelivered Mail");
    EXPECT_EQ(made.lines, (std::vector<std::string>{"line", "", "last"}));
    EXPECT_FALSE(made.built_in);
}

TEST(NotificationTemplates, TheHeaderEndsAtTheFirstLineThatIsNoField)
{
    EXPECT_EQ(failure_of("failure_template = <<E\nhello there\n\nx\nE\n").lines,
              (std::vector<std::string>{"hello there", "", "x"}));
    EXPECT_EQ(failure_of("failure_template = <<E\n\nx\nE\n").lines, std::vector<std::string>{"x"});
    EXPECT_EQ(failure_of("failure_template = hello\n").lines, std::vector<std::string>{"hello"});
}

TEST(NotificationTemplates, TheLastDefinitionCounts)
{
    EXPECT_EQ(
        failure_of("failure_template = <<E\nSubject: a\n\nx\nE\nfailure_template = <<E\nSubject: b\n\ny\nE\n").subject,
        "b");
}

TEST(NotificationTemplates, WhatBreaksARuleIsLeftOutWithAWarning)
{
    for (std::string_view bad :
         {"failure_template = <<E\nSubject: x\nE\n", "failure_template = <<E\nX-Foo: x\n\ny\nE\n",
          "failure_template = <<E\nSubject: x\xc3\xa9\n\ny\nE\n", "failure_template = <<E\nSubject: x\n\n\xc3\xa9\nE\n",
          "success_template = <<E\nPostmaster-Subject: x\n\ny\nE\n", "foo_template = <<E\nSubject: x\n\ny\nE\n"}) {
        SCOPED_TRACE(bad);
        EXPECT_EQ(warnings_of(bad).size(), 1U);
        EXPECT_EQ(parse_notification_templates(bad, "f")->templates, built_in_templates().templates);
    }
    EXPECT_EQ(warnings_of("failure_template = <<EOF\nSubject: x\n\ny\n"),
              std::vector<std::string>{"f, line 5: missing \"EOF\" end marker"});
}

TEST(NotificationTemplates, AFileOfSomethingElseIsRefused)
{
    EXPECT_EQ(parse_notification_templates("bogus\n", "f").error().text(),
              "f, line 2: missing '=' after attribute name: \"bogus\"");
}

TEST(NotificationTemplates, WhatIsPrintedCanBeReadBack)
{
    std::string text;
    for (ReportKind kind : report_kinds)
        text += format_template(kind, built_in_template(kind));
    auto read = parse_notification_templates(text, "f");
    ASSERT_TRUE(read && read->warnings.empty());
    for (ReportKind kind : report_kinds)
        EXPECT_EQ(read->templates[static_cast<std::size_t>(kind)].lines, built_in_template(kind).lines);
}

}  // namespace
}  // namespace posthaste::dsn
