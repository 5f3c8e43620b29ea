// trace_json_test.cc — a trace survives the way to another program; programs are asked.
#include "server/ask_program.h"
#include "server/trace_json.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace posthaste::server {
namespace {

TEST(TraceJson, keeps_everything)
{
    trace::StepRecord inner{.what = "check_client_access", .subject = "hash:/access", .result = "refuse: 554 no"};
    inner.answers.push_back({.table = "hash:/access", .key = "192.0.2.1", .value = {}, .error = {}});
    inner.answers.push_back({.table = "hash:/access", .key = "192.0.2", .value = "REJECT", .error = {}});
    inner.answers.push_back({.table = "tcp:x", .key = "k", .value = {}, .error = "no answer"});
    trace::StepRecord outer{.what = "smtpd_client_restrictions", .element = "!a", .error = "list"};
    outer.steps.push_back(inner);
    const nlohmann::json json = to_json({outer});
    auto back = steps_from_json(nlohmann::json::parse(json.dump()));
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(to_json(*back), json);
    EXPECT_EQ((*back)[0].steps[0].answers[1].value, "REJECT");
    EXPECT_FALSE((*back)[0].steps[0].answers[0].value);
}

TEST(TraceJson, refuses_what_is_none)
{
    EXPECT_FALSE(steps_from_json(nlohmann::json::parse(R"([{"subject": "x"}])")));
    EXPECT_FALSE(steps_from_json(nlohmann::json::parse(R"([{"what": 1}])")));
}

TEST(AskProgram, gives_the_answer_or_says_why_not)
{
    auto answer = ask_program("/bin/echo", {"a", "b c"});
    ASSERT_TRUE(answer) << answer.error().text();
    EXPECT_EQ(*answer, "a b c\n");
    EXPECT_EQ(ask_program("/bin/false", {}).error().text(), "/bin/false did not end well (exit status 1)");
    EXPECT_EQ(ask_program("/nonexistent/x", {}).error().kind(), ErrorKind::NotFound);
}

}  // namespace
}  // namespace posthaste::server
