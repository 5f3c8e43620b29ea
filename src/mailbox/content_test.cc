// What stands above a delivered message.
#include "mailbox/content.h"

#include <gtest/gtest.h>

namespace posthaste::mailbox {
namespace {

TEST(DeliveryHeaders, AddressesAreQuotedWhereTheyHaveToBe)
{
    EXPECT_EQ(delivery_headers({.return_path = "a b@example.com", .original_to = "x@y", .delivered_to = "c d@local"}),
              "Return-Path: <\"a b\"@example.com>\nX-Original-To: x@y\nDelivered-To: \"c d\"@local\n");
}

TEST(DeliveryHeaders, WhatHasNoValueIsLeftOutButTheNullSenderIsOne)
{
    EXPECT_EQ(delivery_headers({}), "");
    EXPECT_EQ(delivery_headers({.return_path = ""}), "Return-Path: <>\n");
    EXPECT_EQ(delivery_headers({.delivered_to = "u@d"}, "\r\n"), "Delivered-To: u@d\r\n");
}

TEST(DeliveredTo, IsReadFromTheHeaderAloneInLowerCaseAndInternalForm)
{
    EXPECT_EQ(delivered_to_addresses("Delivered-To: A@b.test\r\nSubject: x\r\ndelivered-to:  \"c d\"@b.test\r\n\r\n"
                                     "Delivered-To: body@b.test\r\n"),
              (std::set<std::string>{"a@b.test", "c d@b.test"}));
}

TEST(FromLine, NamesTheSenderOrMailerDaemon)
{
    EXPECT_TRUE(from_line("a@b").starts_with("From a@b  "));
    EXPECT_TRUE(from_line("").starts_with("From MAILER-DAEMON  "));
    EXPECT_TRUE(from_line("a b@c", "\r\n").starts_with("From \"a b\"@c  "));
    EXPECT_TRUE(from_line("a b@c", "\r\n").ends_with("\r\n"));
}

}  // namespace
}  // namespace posthaste::mailbox
