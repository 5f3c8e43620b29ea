// Whose rights an alias has.
#include "daemon/local/alias_tables.h"

#include "base/fd.h"

#include <filesystem>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace posthaste::local {
namespace {

TEST(AliasTables, AReportedOwnerCountsOnlyIfTheFileBelongsToThatUser)
{
    const std::string path = fmt::format("/tmp/posthaste-alias-owner-{}", ::getpid());
    MUST(replace_file(path + ".db", "x"));
    const uid_t self = ::geteuid();
    EXPECT_EQ(confirmed_owner("proxy:hash:" + path, self), self);
    EXPECT_EQ(confirmed_owner("hash:" + path, self + 1), std::nullopt);
    EXPECT_EQ(confirmed_owner("lmdb:" + path, self), std::nullopt) << "there is no such file";
    EXPECT_EQ(confirmed_owner("hash:" + path, std::nullopt), std::nullopt);
    EXPECT_EQ(confirmed_owner("proxy:", self), std::nullopt);
    std::filesystem::remove(path + ".db");
}

}  // namespace
}  // namespace posthaste::local
