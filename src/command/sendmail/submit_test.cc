#include "command/sendmail/submit.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sysexits.h>
#include <unistd.h>

namespace posthaste::command::sendmail {
namespace {

// What sendmail makes of a postdrop that does this.
Postdrop::Answer answer_of(const std::string& commands)
{
    const std::string path = testing::TempDir() + "submit-test-postdrop." + std::to_string(::getpid());
    std::ofstream(path) << "#!/bin/sh\ncat >/dev/null\n" << commands << '\n';
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    const auto config = config::load_text("", "main.cf", {});
    EXPECT_TRUE(config);
    auto postdrop = Postdrop::start(path, **config);
    if (!postdrop)
        return {EX_OSERR, postdrop.error().text()};
    EXPECT_TRUE(postdrop->write("message"));
    Postdrop::Answer answer = postdrop->finish();
    std::filesystem::remove(path);
    return answer;
}

TEST(Postdrop, SaysWhetherTheMessageIsThere)
{
    EXPECT_EQ(answer_of("echo ok 4711").status, EX_OK);
    const Postdrop::Answer refused = answer_of("echo 75 no space; exit 75");
    EXPECT_EQ(refused.status, EX_TEMPFAIL);
    EXPECT_EQ(refused.reason, "no space");
}

TEST(Postdrop, AMessageThatIsThereIsAcceptedWhateverBecomesOfPostdrop)
{
    EXPECT_EQ(answer_of("echo ok 4711; kill -9 $$").status, EX_OK);
}

TEST(Postdrop, ThatDiesWithoutAWordIsAnError)
{
    const Postdrop::Answer killed = answer_of("kill -9 $$");
    EXPECT_EQ(killed.status, EX_SOFTWARE);
    EXPECT_EQ(killed.reason, "postdrop ended with status 70");
}

}  // namespace
}  // namespace posthaste::command::sendmail
