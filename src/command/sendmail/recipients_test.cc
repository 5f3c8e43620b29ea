#include "command/sendmail/recipients.h"

#include <gtest/gtest.h>

namespace posthaste::command::sendmail {
namespace {

using Recipients = std::vector<std::string>;

TEST(ListedRecipients, AreTheAddressesOfTheList)
{
    EXPECT_EQ(listed_recipients("A B <ab@far.test>, c@far.test (C), group: d@far.test, e;"),
              (Recipients{"ab@far.test", "c@far.test", "d@far.test", "e"}));
    EXPECT_EQ(listed_recipients("<>, bob@far.test"), (Recipients{"bob@far.test"}));
    EXPECT_EQ(listed_recipients(" "), Recipients());
    EXPECT_EQ(listed_recipients("undisclosed-recipients:;"), Recipients());
}

TEST(ListedRecipients, NothingIsDroppedThatIsNoAddress)
{
    EXPECT_EQ(listed_recipients("bad@@far.test, ok@far.test"), (Recipients{"bad@@far.test", "ok@far.test"}));
    EXPECT_EQ(listed_recipients("ok@far.test, \"open@far.test"), (Recipients{"ok@far.test", "\"open@far.test"}));
    EXPECT_EQ(listed_recipients("x@[bad, also@far.test"), (Recipients{"x@[bad", "also@far.test"}));
    EXPECT_EQ(listed_recipients("a@"), (Recipients{"a@"}));
}

}  // namespace
}  // namespace posthaste::command::sendmail
