// Tests of what master.cf and main.cf together say about services.
#include "daemon/master/process_count.h"
#include "daemon/master/service_spec.h"

#include <gtest/gtest.h>

namespace posthaste::master {
namespace {

Result<std::vector<ServiceSpec>> specs(const std::string& main_cf, const std::string& master_cf)
{
    config::LoadOptions options;
    options.process_name = "master";
    TRY(auto config,
        config::load_text("compatibility_level = 3.12\ndaemon_directory = /d\ninet_protocols = ipv4\n" + main_cf,
                          "main.cf", options));
    TRY(auto parsed, config::parse_master_cf(master_cf, "master.cf"));
    return make_specs(parsed, *config);
}

ServiceSpec one(const std::string& main_cf, const std::string& master_cf)
{
    auto result = specs(main_cf, master_cf);
    EXPECT_TRUE(result) << result.error().text();
    return result && result->size() == 1 ? result->front() : ServiceSpec();
}

TEST(ServiceSpecTest, an_inet_service_listens_on_inet_interfaces)
{
    EXPECT_EQ(one("inet_interfaces = all", "2525 inet n - n - - smtpd").addresses.at(0).text(), "0.0.0.0:2525");
    EXPECT_EQ(one("inet_interfaces = loopback-only", "2525 inet n - n - - smtpd").addresses.at(0).text(),
              "127.0.0.1:2525");
    auto two = one("inet_interfaces = 127.0.0.1, 127.0.0.2 127.0.0.1", "smtp inet n - n - - smtpd");
    ASSERT_EQ(two.addresses.size(), 2U) << "an address that is written twice is opened once";
    EXPECT_EQ(two.addresses[1].text(), "127.0.0.2:25");
    EXPECT_EQ(two.port, "25");
}

TEST(ServiceSpecTest, an_address_in_the_service_name_comes_before_inet_interfaces)
{
    EXPECT_EQ(one("", "127.0.0.9:10025 inet n - n - - smtpd").addresses.at(0).text(), "127.0.0.9:10025");
    EXPECT_EQ(one("", "[127.0.0.9]:10025 inet n - n - - smtpd").addresses.at(0).text(), "127.0.0.9:10025");
}

TEST(ServiceSpecTest, a_port_that_nobody_knows_is_refused_with_its_place)
{
    auto result = specs("", "\nnosuchport inet n - n - - smtpd\n");
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().text().find("master.cf, line 2"), std::string::npos) << result.error().text();
    EXPECT_NE(result.error().text().find("nosuchport"), std::string::npos);
}

TEST(ServiceSpecTest, sockets_are_private_unless_the_line_says_otherwise)
{
    EXPECT_EQ(one("", "bounce unix - - n - 0 bounce").socket_path, "private/bounce");
    EXPECT_EQ(one("", "qmgr unix n - n 300 1 qmgr").socket_path, "public/qmgr");
    EXPECT_EQ(one("", "qmgr fifo n - n 300 1 qmgr").addresses.size(), 0U);
}

TEST(ServiceSpecTest, the_limit_follows_maxproc_then_default_process_limit_then_default_session_limit)
{
    EXPECT_EQ(one("", "2525 inet n - n - 7 smtpd").limit, 7U);
    EXPECT_EQ(one("", "2525 inet n - n - 0 smtpd").limit, 0U);
    EXPECT_EQ(one("", "2525 inet n - n - - smtpd").limit, 10000U);
    EXPECT_EQ(one("default_session_limit = 300", "2525 inet n - n - - smtpd").limit, 300U);
    EXPECT_EQ(one("default_process_limit = 50", "2525 inet n - n - - smtpd").limit, 50U);
    EXPECT_EQ(one("", "smtp unix - - n - - smtp").limit, 100U);
}

TEST(ServiceSpecTest, service_processes_is_how_many_processes_share_the_clients)
{
    EXPECT_EQ(processes_per_service(**config::load_text("service_processes = 11\n", "main.cf", {})), 11U);
    EXPECT_LE(processes_per_service(**config::load_text("", "main.cf", {})), 8U);
}

TEST(ServiceSpecTest, services_can_be_disabled_by_name_and_by_type)
{
    const std::string two = "2525 inet n - n - - smtpd\nqmgr unix n - n 300 1 qmgr\n";
    EXPECT_EQ(one("master_service_disable = 2525.inet", two).name, "qmgr");
    EXPECT_EQ(one("master_service_disable = inet", two).name, "qmgr");
    EXPECT_EQ(specs("master_service_disable = !2525.inet inet", two)->size(), 2U);
}

TEST(ServiceSpecTest, privileges_and_wake_up_are_taken_over)
{
    auto pickup = one("", "pickup unix n - y 60? 1 pickup -v -o a=b");
    EXPECT_TRUE(pickup.unprivileged);
    EXPECT_TRUE(pickup.chroot);
    EXPECT_EQ(pickup.wakeup, std::chrono::seconds(60));
    EXPECT_TRUE(pickup.wakeup_after_first_use);
    EXPECT_EQ(pickup.command, "/d/pickup");
    EXPECT_EQ(pickup.arguments, (std::vector<std::string>{"-v", "-o", "a=b"}));
    EXPECT_FALSE(one("", "local unix - n n - - local").unprivileged);
}

}  // namespace
}  // namespace posthaste::master
