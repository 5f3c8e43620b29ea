#include "intake/header_addresses.h"

#include "net/tasks.h"

#include <gtest/gtest.h>

namespace posthaste::intake {
namespace {

Task<Accepted<std::string>> marked(std::string address, HeaderRole role)
{
    if (address.starts_with("broken"))
        co_return std::unexpected(Rejection::alias_expansion());
    if (address.starts_with("keep"))
        co_return address;
    co_return (role == HeaderRole::Sender ? "from " : "to ") + address;
}

Accepted<std::string> rewritten(std::string_view header, std::size_t token_limit = 1000)
{
    return net::run_until_done(rewrite_stored_header(marked, header, token_limit));
}

TEST(StoredHeader, OnlyAddressesChange)
{
    EXPECT_EQ(*rewritten("Received: by x\r\nFrom: A <a@x.test> (c)\r\nSubject: a@x.test\r\n"
                         "To: keep@x.test,\r\n\tB <b@x.test>\r\nDKIM-Signature: v=1;\r\n b=x\r\n\r\n"),
              "Received: by x\r\nFrom: A <\"from a\"@x.test> (c)\r\nSubject: a@x.test\r\n"
              "To: keep@x.test,\r\n\tB <\"to b\"@x.test>\r\nDKIM-Signature: v=1;\r\n b=x\r\n\r\n");
}

TEST(StoredHeader, MailWithoutBodyHasNoEmptyLineAdded)
{
    EXPECT_EQ(*rewritten("Cc: keep@x.test\r\n"), "Cc: keep@x.test\r\n");
    EXPECT_EQ(*rewritten(""), "");
    EXPECT_EQ(*rewritten("\r\n"), "\r\n");
}

TEST(StoredHeader, WhatIsBeyondTheTokenLimitStays)
{
    EXPECT_EQ(*rewritten("To: a@x.test, b@x.test\r\n\r\n", 5), "To: \"to a\"@x.test, b@x.test\r\n\r\n");
}

TEST(StoredHeader, TableThatDoesNotAnswerIsAnError) { EXPECT_FALSE(rewritten("To: a@x.test, broken@x.test\r\n\r\n")); }

}  // namespace
}  // namespace posthaste::intake
