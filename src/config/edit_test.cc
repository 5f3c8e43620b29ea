// Edits of main.cf and master.cf. Results are those that postconf of Postfix 3.7.11 was seen to give.
#include "config/edit.h"

#include "base/fd.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace posthaste::config {
namespace {

using Action = Edit::Action;

std::string edited_main(std::string_view content, const std::vector<Edit>& edits)
{
    return edited(content, Syntax::MainCf, edits);
}

TEST(Edit, ASettingIsReplacedInItsPlace)
{
    EXPECT_EQ(edited_main("# top\na = 1\n# about b\nb = 2\n", {set_parameter("a", "5")}),
              "# top\na = 5\n# about b\nb = 2\n");
}

TEST(Edit, ContinuationLinesGoAndCommentsStay)
{
    EXPECT_EQ(edited_main("a = 1\n   # inner\n# x\n  2\n\nb = 1\n", {set_parameter("a", "5")}),
              "a = 5\n   # inner\n# x\n\nb = 1\n");
}

TEST(Edit, EveryRepetitionIsReplaced)
{
    EXPECT_EQ(edited_main("a=1\nb=2\na = 3\n", {set_parameter("a", "9")}), "a = 9\nb=2\na = 9\n");
}

TEST(Edit, WhatIsNewIsAppended)
{
    EXPECT_EQ(edited_main("a = 1\nb=3", {set_parameter("c", "x  y"), set_parameter("d", "")}),
              "a = 1\nb=3\nc = x  y\nd = \n");
}

TEST(Edit, RemovingAndCommentingOut)
{
    const std::string text = "a = 1\n# c\nb = 2,\n   # inner\n   3\n\n";
    EXPECT_EQ(edited_main(text, {{Action::CommentOut, "b", ""}}), "a = 1\n# c\n#b = 2,\n   # inner\n#   3\n\n");
    EXPECT_EQ(edited_main(text, {{Action::Remove, "b", ""}, {Action::Remove, "nope", ""}}),
              "a = 1\n# c\n   # inner\n\n");
}

TEST(Edit, AnyServiceOrTypeAndCommentsInFront)
{
    const std::string text = "a unix x\n# inner\n  y\n# behind\npublic/b unix z\nc inet q\n";
    EXPECT_EQ(edited(text, Syntax::MasterCf, {{Action::Remove, "*/unix", ""}}), "# inner\n# behind\nc inet q\n");
    EXPECT_EQ(edited(text, Syntax::MasterCf,
                     {{.action = Action::Set, .key = "a/unix", .text = "new\n    v", .comments_first = true}}),
              "# inner\nnew\n    v\n# behind\npublic/b unix z\nc inet q\n");
}

TEST(Edit, AFileThatIsNotChangedStaysByteForByte)
{
    EXPECT_EQ(edited_main("a = 1", {{Action::Remove, "b", ""}}), "a = 1");
}

TEST(Edit, ServicesAreKnownByNameAndType)
{
    const std::string text =
        "# top\nsmtp inet n - y - - smtpd\n  -o a=b\n# inner\n  -o c=d -v\n# next\nsmtp unix - - y - - smtp\n";
    EXPECT_EQ(
        edited(text, Syntax::MasterCf, {{Action::CommentOut, "smtp/inet", ""}}),
        "# top\n#smtp inet n - y - - smtpd\n#  -o a=b\n# inner\n#  -o c=d -v\n# next\nsmtp unix - - y - - smtp\n");
    EXPECT_EQ(
        edited(text, Syntax::MasterCf, {{Action::Set, "smtp/inet", "new\n    -v"}, {Action::Remove, "smtp/unix", ""}}),
        "# top\nnew\n    -v\n# inner\n# next\n");
}

TEST(Edit, TheFileKeepsItsModeAndALinkStaysALink)
{
    char directory[] = "/tmp/posthaste-edit-XXXXXX";
    ASSERT_NE(::mkdtemp(directory), nullptr);
    const std::string real = std::string(directory) + "/real.cf";
    const std::string link = std::string(directory) + "/main.cf";
    ASSERT_TRUE(replace_file(real, "a = 1\n", 0640));
    ASSERT_EQ(::symlink("real.cf", link.c_str()), 0);
    ASSERT_TRUE(edit_file(link, Syntax::MainCf, {set_parameter("a", "2")}));
    EXPECT_EQ(*read_file(real), "a = 2\n");
    struct stat status{};
    ASSERT_EQ(::lstat(link.c_str(), &status), 0);
    EXPECT_TRUE(S_ISLNK(status.st_mode));
    ASSERT_EQ(::stat(link.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0640);
    ::unlink(link.c_str());
    EXPECT_EQ(edit_file(link, Syntax::MainCf, {}).error().kind(), ErrorKind::NotFound);
    ::unlink(real.c_str());
    ::rmdir(directory);
}

}  // namespace
}  // namespace posthaste::config
