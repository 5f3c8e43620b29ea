// What becomes of a command and of its exit status.
#include "mailbox/command.h"

#include <csignal>
#include <gtest/gtest.h>

namespace posthaste::mailbox {
namespace {

// A command may end before it has read its input; the child that runs commands ignores the signal, too.
[[maybe_unused]] const auto before = std::signal(SIGPIPE, SIG_IGN);

dsn::Outcome outcome_of(const std::string& text)
{
    Command command = command_line(text);
    command.environment = {{"PATH", "/usr/bin:/bin"}};
    return run_command(command, "input", "done");
}

TEST(CommandLine, RunsDirectlyWhatNeedsNoShell)
{
    EXPECT_EQ(command_line("/usr/bin/program -a  b").argv, (std::vector<std::string>{"/usr/bin/program", "-a", "b"}));
    EXPECT_EQ(command_line("/usr/bin/program a", "/bin/smrsh -c").argv,
              (std::vector<std::string>{"/bin/smrsh", "-c", "/usr/bin/program a"}));
    EXPECT_EQ(command_line("program >file").argv, (std::vector<std::string>{"/bin/sh", "-c", "program >file"}));
}

TEST(CommandLine, BuiltInsOfTheShellWork)
{
    EXPECT_EQ(outcome_of("exit 0").action, dsn::Action::Delivered);
    EXPECT_EQ(outcome_of("exit 67").code, (dsn::Code{5, 1, 1}));
    EXPECT_EQ(outcome_of("exit 67").text, "user unknown");
    EXPECT_EQ(outcome_of("exit 75").action, dsn::Action::Deferred);
    EXPECT_EQ(outcome_of("cd /").action, dsn::Action::Delivered);
    EXPECT_EQ(outcome_of(":").action, dsn::Action::Delivered);
}

TEST(CommandLine, ProgramThatPathHasNotBouncesAndOneThatAPathNamesDefers)
{
    dsn::Outcome none = outcome_of("no-such-program x");
    EXPECT_EQ(none.action, dsn::Action::Bounced);
    EXPECT_TRUE(none.text.starts_with("Command died with status 127: \"no-such-program x\"")) << none.text;
    EXPECT_EQ(outcome_of("/no/such/program x").action, dsn::Action::Deferred);
}

TEST(CommandOutput, CountsMoreThanTheExitStatus)
{
    EXPECT_EQ(outcome_of("echo 4.7.9 later; exit 67").action, dsn::Action::Deferred);
    EXPECT_EQ(outcome_of("echo 5.7.9 never; exit 75").code, (dsn::Code{5, 7, 9}));
}

// As Postfix 3.7.11 does.
TEST(Command, ThatIsKilledIsTriedAgainWhateverItSaid)
{
    dsn::Outcome outcome = outcome_of("echo 5.7.9 never; kill -9 $$");
    EXPECT_EQ(outcome.action, dsn::Action::Deferred);
    EXPECT_EQ(outcome.code, (dsn::Code{4, 3, 0}));
    EXPECT_EQ(outcome.text,
              "Command died with signal 9: \"echo 5.7.9 never; kill -9 $$\". Command output: 5.7.9 never");
}

TEST(Command, MayLeaveItsInputUnread)
{
    Command command = command_line("exit 0");
    EXPECT_EQ(run_command(command, std::string(1 << 20, 'x'), "done").action, dsn::Action::Delivered);
}

dsn::Outcome outcome_within_a_second(const std::string& text)
{
    Command command = command_line(text);
    command.environment = {{"PATH", "/usr/bin:/bin"}};
    command.time_limit = std::chrono::seconds(1);
    return run_command(command, "input", "done");
}

TEST(CommandTimeLimit, EndsWhatRunsOnAndFailsForGood)
{
    for (const char* text : {"sleep 60; true", "exec >&- 2>&-; sleep 60", "sleep 60 & exit 0"}) {
        dsn::Outcome outcome = outcome_within_a_second(text);
        EXPECT_EQ(outcome.action, dsn::Action::Bounced) << text;
        EXPECT_EQ(outcome.code, (dsn::Code{5, 3, 0}));
        EXPECT_EQ(outcome.text, "Command time limit exceeded: \"" + std::string(text) + "\"");
    }
    EXPECT_EQ(outcome_within_a_second("echo 4.7.9 later; sleep 60").text,
              "Command time limit exceeded: \"echo 4.7.9 later; sleep 60\". Command output: 4.7.9 later");
}

TEST(CommandTimeLimit, DoesNotCountWhatLetsGoOfTheOutput)
{
    EXPECT_EQ(outcome_within_a_second("sleep 3 >/dev/null 2>&1 & exit 0").action, dsn::Action::Delivered);
}

}  // namespace
}  // namespace posthaste::mailbox
