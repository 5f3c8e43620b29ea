// Edits of main.cf. Results are those that postconf of Postfix 3.7.11 was seen to give.
#include "config/edit_main_cf.h"

#include "base/fd.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace posthaste::config {
namespace {

using Action = Edit::Action;

TEST(EditMainCf, ASettingIsReplacedInItsPlace)
{
    EXPECT_EQ(edited_main_cf("# top\na = 1\n# about b\nb = 2\n", {{Action::Set, "a", "5"}}),
              "# top\na = 5\n# about b\nb = 2\n");
}

TEST(EditMainCf, ContinuationLinesGoAndCommentsStay)
{
    EXPECT_EQ(edited_main_cf("a = 1\n   # inner\n# x\n  2\n\nb = 1\n", {{Action::Set, "a", "5"}}),
              "a = 5\n   # inner\n# x\n\nb = 1\n");
}

TEST(EditMainCf, EveryRepetitionIsReplaced)
{
    EXPECT_EQ(edited_main_cf("a=1\nb=2\na = 3\n", {{Action::Set, "a", "9"}}), "a = 9\nb=2\na = 9\n");
}

TEST(EditMainCf, WhatIsNewIsAppended)
{
    EXPECT_EQ(edited_main_cf("a = 1\nb=3", {{Action::Set, "c", "x  y"}, {Action::Set, "d", ""}}),
              "a = 1\nb=3\nc = x  y\nd = \n");
}

TEST(EditMainCf, RemovingAndCommentingOut)
{
    const std::string text = "a = 1\n# c\nb = 2,\n   # inner\n   3\n\n";
    EXPECT_EQ(edited_main_cf(text, {{Action::CommentOut, "b", ""}}), "a = 1\n# c\n#b = 2,\n   # inner\n#   3\n\n");
    EXPECT_EQ(edited_main_cf(text, {{Action::Remove, "b", ""}, {Action::Remove, "nope", ""}}),
              "a = 1\n# c\n   # inner\n\n");
}

TEST(EditMainCf, TheFileKeepsItsModeAndALinkStaysALink)
{
    char directory[] = "/tmp/posthaste-edit-XXXXXX";
    ASSERT_NE(::mkdtemp(directory), nullptr);
    const std::string real = std::string(directory) + "/real.cf";
    const std::string link = std::string(directory) + "/main.cf";
    ASSERT_TRUE(replace_file(real, "a = 1\n", 0640));
    ASSERT_EQ(::symlink("real.cf", link.c_str()), 0);
    ASSERT_TRUE(edit_main_cf_file(link, {{Action::Set, "a", "2"}}));
    EXPECT_EQ(*read_file(real), "a = 2\n");
    struct stat status{};
    ASSERT_EQ(::lstat(link.c_str(), &status), 0);
    EXPECT_TRUE(S_ISLNK(status.st_mode));
    ASSERT_EQ(::stat(link.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0640);
    ::unlink(link.c_str());
    EXPECT_EQ(edit_main_cf_file(link, {}).error().kind(), ErrorKind::NotFound);
    ::unlink(real.c_str());
    ::rmdir(directory);
}

}  // namespace
}  // namespace posthaste::config
