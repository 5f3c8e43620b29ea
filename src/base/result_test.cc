#include "base/result.h"

#include <gtest/gtest.h>

namespace posthaste {
namespace {

Result<int> half(int n)
{
    if (n % 2 != 0)
        return fail(ErrorKind::Invalid, std::to_string(n) + " is odd");
    return n / 2;
}

Result<int> quarter(int n)
{
    TRY(int first, half(n));
    TRY(int second, half(first));
    return second;
}

TEST(Result, TryPassesTheFirstErrorUp)
{
    EXPECT_EQ(*quarter(8), 2);
    EXPECT_EQ(quarter(6).error().text(), "3 is odd");
    EXPECT_EQ(quarter(6).error().kind(), ErrorKind::Invalid);
}

TEST(Error, SystemErrorsCarryKindAndContext)
{
    Error error = Error::system(ENOSPC, "write x").in("queue");
    EXPECT_EQ(error.kind(), ErrorKind::NoSpace);
    EXPECT_EQ(error.text(), "queue: write x: No space left on device");
}

}  // namespace
}  // namespace posthaste
