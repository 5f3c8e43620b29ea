#include "command/postfix/check.h"

#include <gtest/gtest.h>
#include <linux/magic.h>

namespace posthaste::postfix {
namespace {

TEST(Check, KnowsFileSystemsThatDoNotOverwrite)
{
    EXPECT_EQ(copy_on_write_file_system(BTRFS_SUPER_MAGIC), "btrfs");
    EXPECT_EQ(copy_on_write_file_system(EXT4_SUPER_MAGIC), "");
    EXPECT_EQ(copy_on_write_file_system(XFS_SUPER_MAGIC), "");
}

}  // namespace
}  // namespace posthaste::postfix
