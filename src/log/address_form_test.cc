// Addresses in log lines.
#include "log/address_form.h"

#include <gtest/gtest.h>

namespace posthaste::log {
namespace {

TEST(AddressForm, QuotesTheLocalPartUnlessToldOtherwise)
{
    EXPECT_EQ(address_text("a b@example.com"), "\"a b\"@example.com");
    EXPECT_EQ(address_text("ab@example.com"), "ab@example.com");
    EXPECT_EQ(address_text(""), "");
    set_address_form(AddressForm::Internal);
    EXPECT_EQ(address_text("a b@example.com"), "a b@example.com");
    set_address_form(AddressForm::External);
}

}  // namespace
}  // namespace posthaste::log
