// Tests of the parts of the skeleton that need no process: the command line.
#include "server/options.h"

#include <gtest/gtest.h>

namespace posthaste::server {
namespace {

Result<DaemonOptions> parse(std::vector<std::string> words)
{
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return parse_options(static_cast<int>(words.size()), pointers.data());
}

TEST(DaemonOptionsTest, masters_options_and_those_of_master_cf_are_understood)
{
    auto options = parse({"/usr/libexec/smtpd", "-n", "smtp", "-t", "inet", "-s", "2", "-u", "-c", "-o", "a=b", "-o",
                          "c = d e", "-v", "-v"});
    ASSERT_TRUE(options) << options.error().text();
    EXPECT_EQ(options->process_name, "smtpd");
    EXPECT_EQ(options->service_name, "smtp");
    EXPECT_EQ(options->service_type, "inet");
    EXPECT_EQ(options->listen_sockets, 2);
    EXPECT_TRUE(options->unprivileged);
    EXPECT_TRUE(options->chrooted);
    EXPECT_EQ(options->verbosity, 2);
    ASSERT_EQ(options->overrides.size(), 2U);
    EXPECT_EQ(options->overrides[1], (std::pair<std::string, std::string>("c", "d e")));
}

TEST(DaemonOptionsTest, words_after_the_options_belong_to_the_service)
{
    auto options = parse({"pipe", "-n", "x", "flags=R", "argv=/bin/cat", "-o", "not=ours"});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->arguments, (std::vector<std::string>{"flags=R", "argv=/bin/cat", "-o", "not=ours"}));
    EXPECT_TRUE(options->overrides.empty());
}

TEST(DaemonOptionsTest, an_override_without_a_value_is_refused)
{
    EXPECT_FALSE(parse({"smtpd", "-o", "novalue"}));
    EXPECT_FALSE(parse({"smtpd", "-o"}));
    EXPECT_FALSE(parse({"smtpd", "-Q"}));
}

}  // namespace
}  // namespace posthaste::server
