// load_test.cc — which directory main.cf is read from, and who may choose it.
#include "config/config.h"
#include "config/listed_directory.h"
#include "config/service_config.h"
#include "param/basics.h"
#include "param/local.h"

#include <gtest/gtest.h>

namespace posthaste::config {
namespace {

TEST(Load, ConfigDirectoryIsWhereMainCfIsUnlessItSaysSomethingElse)
{
    const std::string main_cf = "alias_maps = hash:$config_directory/aliases\n";
    auto aliases = [](const std::string& text, const LoadOptions& options) {
        auto config = load_text(text, "main.cf", options);
        EXPECT_TRUE(config) << config.error().text();
        return (*config)->get(param::alias_maps);
    };
    EXPECT_EQ(aliases(main_cf, {.config_directory = "/c"}), "hash:/c/aliases");
    EXPECT_EQ(aliases("config_directory = /d\n" + main_cf, {}), "hash:/d/aliases");
}

TEST(Load, StrangersMayChooseTheDirectoriesThatTheAdministratorLists)
{
    for (const char* main_cf : {"alternate_config_directories = /a, /b\n", "multi_instance_directories = /a /b\n"}) {
        EXPECT_TRUE(check_listed("/b", main_cf, "main.cf")) << main_cf;
        auto other = check_listed("/c", main_cf, "main.cf");
        ASSERT_FALSE(other);
        EXPECT_EQ(other.error().kind(), ErrorKind::Denied);
    }
}

TEST(Load, AgainHasOtherOverridesAndTheSameMainCf)
{
    const std::string main_cf = "alias_maps = hash:$config_directory/aliases\nmyhostname = a.test\n";
    auto config = load_text(main_cf, "main.cf", {.config_directory = "/c", .overrides = {{"myhostname", "b.test"}}});
    ASSERT_TRUE(config);
    EXPECT_EQ((*config)->get(param::myhostname), "b.test");
    auto again = load_again(**config, {.config_directory = "/c", .overrides = {{"mydomain", "c.test"}}});
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)->get(param::myhostname), "a.test");
    EXPECT_EQ((*again)->get(param::mydomain), "c.test");
    EXPECT_EQ((*again)->get(param::alias_maps), "hash:/c/aliases");
    EXPECT_EQ((*again)->directory(), "/c");
}

}  // namespace
}  // namespace posthaste::config
