// load_test.cc — which directory main.cf is read from, and who may choose it.
#include "config/config.h"
#include "config/listed_directory.h"
#include "config/master_cf.h"
#include "config/service_config.h"
#include "param/basics.h"
#include "param/local.h"

#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

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

TEST(Load, ForAServiceTakesItsLineAndNeverLeavesOptionsOut)
{
    char name[] = "/tmp/posthaste-load-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    const std::string directory = name;
    auto own = load_text("myhostname = a.test\n", "main.cf", {.config_directory = directory});
    auto host_of = [&](const std::string& service) {
        auto config = load_for_service(**own, service, "trivial-rewrite");
        return config ? (*config)->get(param::myhostname) : config.error().text();
    };
    EXPECT_EQ(host_of("rewrite"), "a.test");  // no master.cf
    const std::string file = directory + "/master.cf";
    std::ofstream(file) << "rewrite unix - - n - - trivial-rewrite -o myhostname=b.test\nbroken unix - -\n";
    EXPECT_EQ(host_of("rewrite"), "b.test");
    EXPECT_EQ(host_of("broken"), file + ", line 2: " + parse_service("broken unix - -").error().text());
    ::unlink(file.c_str());
    ASSERT_EQ(::mkdir(file.c_str(), 0700), 0);
    EXPECT_TRUE(host_of("rewrite").contains("/master.cf"));  // a directory: it cannot be read
    ::rmdir(file.c_str());
    ::rmdir(directory.c_str());
}

}  // namespace
}  // namespace posthaste::config
