#include "daemon/smtpd/restriction.h"

#include "daemon/smtpd/access_action.h"
#include "daemon/smtpd/client.h"
#include "daemon/smtpd/policy.h"

#include <gtest/gtest.h>

namespace posthaste::smtpd {

namespace {

RestrictionList parse(std::string_view text, ListKind kind = ListKind::Recipient, const std::string& main_cf = "")
{
    auto config = config::load_text(main_cf, "main.cf", {});
    EXPECT_TRUE(config) << config.error().text();
    return RestrictionParser(*config).parse(text, kind);
}

}  // namespace

TEST(RestrictionParser, NamesTablesAndArguments)
{
    RestrictionList list = parse("permit_mynetworks, check_client_access inline:{a=b} sleep 2s\n\treject");
    ASSERT_EQ(list.size(), 4U);
    EXPECT_EQ(list[0].rule, Rule::PermitMynetworks);
    EXPECT_EQ(list[1].rule, Rule::CheckClientAccess);
    EXPECT_TRUE(list[1].maps);
    EXPECT_EQ(list[2].pause, std::chrono::seconds(2));
    EXPECT_EQ(list[3].rule, Rule::Reject);
}

TEST(RestrictionParser, BareTableMeansTheListsOwnAccessCheck)
{
    EXPECT_EQ(parse("inline:{a=b}", ListKind::Client)[0].rule, Rule::CheckClientAccess);
    EXPECT_EQ(parse("inline:{a=b}", ListKind::Sender)[0].rule, Rule::CheckSenderAccess);
    EXPECT_EQ(parse("inline:{a=b}", ListKind::Recipient)[0].rule, Rule::CheckRecipientAccess);
}

TEST(RestrictionParser, WhatCannotBeUsedIsKeptAndExplained)
{
    EXPECT_EQ(parse("permit_mynetwork")[0].argument,
              "unknown smtpd restriction: \"permit_mynetwork\" (did you mean permit_mynetworks?)");
    EXPECT_EQ(parse("xyz")[0].argument, "unknown smtpd restriction: \"xyz\"");
    EXPECT_EQ(parse("reject_rbl_client")[0].argument, "smtpd restriction \"reject_rbl_client\" is not implemented yet");
    EXPECT_EQ(parse("check_helo_access")[0].argument, "restriction check_helo_access needs an argument");
    for (const char* text : {"permit_mynetwork", "sleep", "sleep x", "check_sender_access {"})
        EXPECT_EQ(parse(text)[0].rule, Rule::Broken) << text;
}

TEST(RestrictionParser, ClassesAreListsAndMayNotGoInCircles)
{
    RestrictionList list =
        parse("strict", ListKind::Recipient, "smtpd_restriction_classes = strict\nstrict = reject\n");
    ASSERT_EQ(list[0].rule, Rule::List);
    EXPECT_EQ((*list[0].list)[0].rule, Rule::Reject);
    list = parse("a", ListKind::Recipient, "smtpd_restriction_classes = a\na = a\n");
    while (list[0].rule == Rule::List)
        list = RestrictionList(*list[0].list);
    EXPECT_EQ(list[0].rule, Rule::Broken);
}

TEST(RestrictionParser, KnowsWhatStopsRelaying)
{
    EXPECT_TRUE(stops_relaying(parse("permit_mynetworks reject_unauth_destination")));
    EXPECT_TRUE(stops_relaying(parse("defer")));
    EXPECT_FALSE(stops_relaying(parse("permit_mynetworks, check_client_access inline:{a=b}")));
    EXPECT_FALSE(stops_relaying(parse("warn_if_reject reject_unauth_destination")));
    EXPECT_FALSE(stops_relaying({}));
}

TEST(AccessAction, RejectionsWithCodesAndWithout)
{
    AccessAction action = parse_access_action("REJECT", {});
    EXPECT_EQ(action.kind, AccessAction::Kind::Reply);
    EXPECT_EQ(std::to_string(action.code) + " " + action.enhanced + " " + action.text, "554 5.7.1 Access denied");
    action = parse_access_action("reject 5.7.9 go away", {});
    EXPECT_EQ(action.enhanced + " " + action.text, "5.7.9 go away");
    action = parse_access_action("450 5.7.1 later", {});
    EXPECT_EQ(action.enhanced, "4.7.1");
    action = parse_access_action("550 no code", {});
    EXPECT_EQ(action.enhanced + " " + action.text, "5.7.1 no code");
    EXPECT_EQ(parse_access_action("DEFER", {}).code, 450);
    EXPECT_EQ(parse_access_action("defer_if_permit", {}).text, "Service unavailable");
}

TEST(AccessAction, PermitsAndTheRest)
{
    for (const char* text : {"OK", "relay", "12345", "550", " ok "})
        EXPECT_EQ(parse_access_action(text, {}).kind, AccessAction::Kind::Permit) << text;
    EXPECT_EQ(parse_access_action("DUNNO", {}).kind, AccessAction::Kind::Dunno);
    EXPECT_EQ(parse_access_action("PREPEND X-A: b", {}).text, "X-A: b");
    AccessAction action = parse_access_action("reject_non_fqdn_sender, reject", {});
    EXPECT_EQ(action.kind, AccessAction::Kind::Restrictions);
    EXPECT_EQ(action.text, "reject_non_fqdn_sender, reject");
}

TEST(Policy, PendingVerdictsDecideInTheEnd)
{
    PendingVerdicts none;
    EXPECT_FALSE(conclude(std::nullopt, none));
    smtp::Reply later{450, "4.7.1 later"};
    smtp::Reply never{550, "5.7.1 never"};
    EXPECT_EQ(conclude(std::nullopt, {.defer_if_permit = later, .defer_if_reject = {}}), later);
    EXPECT_EQ(conclude(never, {.defer_if_permit = later, .defer_if_reject = {}}), never);
    EXPECT_EQ(conclude(never, {.defer_if_permit = {}, .defer_if_reject = later}), later);
    smtp::Reply other{451, "4.3.0 other"};
    EXPECT_EQ(conclude(other, {.defer_if_permit = {}, .defer_if_reject = later}), other);
}

TEST(Policy, NetworksOfAnAddress)
{
    auto keys = network_keys("192.0.2.1");
    ASSERT_EQ(keys.size(), 4U);
    EXPECT_EQ(keys[1].text, "192.0.2");
    EXPECT_EQ(keys[3].text, "192");
    keys = network_keys("2001:db8::1");
    EXPECT_EQ(keys[1].text, "2001:db8");
    EXPECT_EQ(keys.back().text, "2001");
}

TEST(Client, NetworkForCountsAndRates)
{
    EXPECT_EQ(client_network("192.0.2.77", 32, 84), "192.0.2.77");
    EXPECT_EQ(client_network("192.0.2.77", 24, 84), "192.0.2.0/24");
    EXPECT_EQ(client_network("2001:db8::1", 32, 64), "2001:db8::/64");
    EXPECT_EQ(client_network("not an address", 24, 64), "not an address");
}

}  // namespace posthaste::smtpd
