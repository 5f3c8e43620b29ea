// explain_test.cc — the question, the exit status, and the layout for people; test/system/test_explain.py has the rest.
#include "command/postconf/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::command::postconf {
namespace {

using testing::HasSubstr;

TEST(Explain, takes_options_in_any_order_and_form)
{
    auto question = parse_question("/etc", {"--from", "<a@b>", "<c@d>", "--client=192.0.2.1", "--json"});
    ASSERT_TRUE(question) << question.error().text();
    EXPECT_EQ(question->address, "c@d");
    EXPECT_EQ(question->sender, "a@b");
    EXPECT_EQ(question->client, "192.0.2.1");
    EXPECT_TRUE(question->json);
    EXPECT_TRUE(parse_question("", {"a", "--from", "<>"})->sender.empty());
}

TEST(Explain, says_how_to_ask)
{
    EXPECT_THAT(parse_question("", {}).error().text(), HasSubstr("one address is needed; usage: "));
    EXPECT_THAT(parse_question("", {"a", "b"}).error().text(), HasSubstr("one address is needed"));
    EXPECT_THAT(parse_question("", {"a", "--helo"}).error().text(), HasSubstr("option --helo needs a value"));
    EXPECT_THAT(parse_question("", {"a", "--x"}).error().text(), HasSubstr("unknown option --x"));
    EXPECT_THAT(parse_question("", {"a", "--client", "x"}).error().text(), HasSubstr("\"x\" is no IP address"));
}

Explanation delivered()
{
    Explanation explanation{.question = {.address = "u@a.test"}};
    explanation.config = explanation.rewriting = *config::load_text("relayhost = [r.test]\n", "main.cf", {});
    Way way{.address = "u@a.test"};
    way.route = routing::Route{.transport = "smtp", .nexthop = "[r.test]", .recipient = "u@a.test"};
    way.program = "smtp (master.cf, line 3)";
    way.steps.push_back({.what = "relayhost", .subject = "u@a.test", .result = "[r.test]"});
    explanation.ways.push_back(std::move(way));
    return explanation;
}

TEST(Explain, exit_status_is_that_of_the_worst)
{
    Explanation explanation = delivered();
    EXPECT_EQ(exit_status(explanation), 0);
    explanation.ways[0].problem = "\"[r\" has no closing bracket";
    EXPECT_EQ(exit_status(explanation), 75);
    EXPECT_THAT(to_text(explanation), HasSubstr("not understood: \"[r\" has no closing bracket; the mail waits\n"));
    explanation.ways[0].problem.clear();
    explanation.ways[0].deferred = true;
    EXPECT_EQ(exit_status(explanation), 75);
    explanation.ways[0].route->transport = "error";
    EXPECT_EQ(exit_status(explanation), 2);
    explanation.ways[0].route.reset();
    EXPECT_EQ(exit_status(explanation), 75);
    explanation = delivered();
    explanation.ways[0].program.clear();
    EXPECT_EQ(exit_status(explanation), 75);
    explanation = delivered();
    explanation.admission = Admission{.reply = "250 2.1.5 Ok"};
    EXPECT_EQ(exit_status(explanation), 0);
    explanation.admission->reply = "550 5.1.1 no";
    EXPECT_EQ(exit_status(explanation), 2);
    explanation.admission->reply = "451 4.3.0 later";
    EXPECT_EQ(exit_status(explanation), 75);
}

TEST(Explain, text_names_the_place_of_a_parameter_and_the_row_of_a_table)
{
    Explanation explanation = delivered();
    trace::StepRecord step{.what = "transport_maps", .subject = "u@a.test", .result = "smtp:[t.test]"};
    step.answers.push_back({.table = "hash:/t", .key = "u@a.test", .value = {}, .error = {}});
    step.answers.push_back({.table = "hash:/t", .key = "a.test", .value = "smtp:[t.test]", .error = {}});
    explanation.ways[0].steps.push_back(step);
    std::string text = to_text(explanation);
    EXPECT_THAT(text, HasSubstr("relayhost                  u@a.test -> [r.test]   [main.cf, line 1]\n"));
    EXPECT_THAT(text, HasSubstr("    hash:/t has \"a.test\": smtp:[t.test]\n"));
    explanation.ways[0].steps.back().answers.pop_back();
    EXPECT_THAT(to_text(explanation), HasSubstr("no row for \"u@a.test\" in hash:/t\n"));
    explanation.ways[0].steps.back().answers.back().error = "no answer";
    EXPECT_THAT(to_text(explanation), HasSubstr("temporary error: hash:/t asked for \"u@a.test\": no answer\n"));
}

}  // namespace
}  // namespace posthaste::command::postconf
