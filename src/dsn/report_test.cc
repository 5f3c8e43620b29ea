#include "dsn/report.h"

#include <gtest/gtest.h>

namespace posthaste::dsn {
namespace {

DeliveryRecord record()
{
    return {.recipient = "u@refuse.test",
            .original_recipient = "",
            .dsn_orcpt = "rfc822;orig@refuse.test",
            .notify = 4,
            .action = "failed",
            .code = "5.1.1",
            .reason = "host 127.0.0.1[127.0.0.1] said: 550 5.1.1 <x>: no such (in reply to RCPT TO command)",
            .remote_mta = "127.0.0.1",
            .diagnostic_type = "smtp",
            .diagnostic = "550 5.1.1 <x>: no such",
            .time = 1795229247,
            .transport = "smtp"};
}

TEST(DeliveryLog, KeepsRecordsAndDropsCutOffOnes)
{
    DeliveryRecord other = record();
    other.recipient = "v@refuse.test";
    other.reason = "two\nlines";
    std::string text = format_record(record()) + format_record(other);
    auto records = parse_delivery_log(text);
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records[0], record());
    EXPECT_EQ(records[1].reason, "two lines");

    records = parse_delivery_log(text.substr(0, text.size() - 30) + format_record(record()));
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0], record());
}

TEST(DeliveryLog, ReadsPostfixsFiles)
{
    auto records = parse_delivery_log("\n<root@obs.test>: address resolver failure\nrecipient=root@obs.test\n"
                                      "original_recipient=al@obs.test\noffset=218\n"
                                      "dsn_orig_rcpt=rfc822;al@obs.test\nstatus=4.3.0\naction=delayed\n"
                                      "reason=address resolver failure\n\n");
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].recipient, "root@obs.test");
    EXPECT_EQ(records[0].original_recipient, "al@obs.test");
    EXPECT_EQ(records[0].reason, "address resolver failure");
}

TEST(Report, HasTheFieldsOfAFailureInPostfixsOrder)
{
    Report report{.kind = ReportKind::Failure,
                  .text = built_in_template(ReportKind::Failure),
                  .returned = Returned::Headers,
                  .to = "root@obs.test",
                  .myhostname = "mail.obs.test",
                  .mail_name = "Postfix",
                  .queue_id = "9D123A725A4",
                  .sender = "root@obs.test",
                  .arrival_date = "Sat, 21 Nov 2026 02:47:27 +0000 (UTC)",
                  .envid = "abc+d",
                  .boundary = "9D123A725A4.1795229247/mail.obs.test",
                  .records = {record()}};
    std::string text = report_head(report);
    EXPECT_TRUE(text.starts_with("From: Mail Delivery System <MAILER-DAEMON>\r\n"
                                 "Subject: Undelivered Mail Returned to Sender\r\nTo: root@obs.test\r\n"
                                 "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
                                 "Content-Type: multipart/report; report-type=delivery-status;\r\n"
                                 "\tboundary=\"9D123A725A4.1795229247/mail.obs.test\"\r\n"
                                 "Content-Transfer-Encoding: 8bit\r\n\r\n"));
    EXPECT_NE(text.find("\r\n<u@refuse.test>: host 127.0.0.1[127.0.0.1] said: 550 5.1.1 <x>: no such (in\r\n"
                        "    reply to RCPT TO command)\r\n\r\n--9D"),
              std::string::npos);
    EXPECT_NE(text.find("Reporting-MTA: dns; mail.obs.test\r\nOriginal-Envelope-Id: abc+d\r\n"
                        "X-Postfix-Queue-ID: 9D123A725A4\r\nX-Postfix-Sender: rfc822; root@obs.test\r\n"
                        "Arrival-Date: Sat, 21 Nov 2026 02:47:27 +0000 (UTC)\r\n\r\n"
                        "Final-Recipient: rfc822; u@refuse.test\r\n"
                        "Original-Recipient: rfc822;orig@refuse.test\r\nAction: failed\r\nStatus: 5.1.1\r\n"
                        "Remote-MTA: dns; 127.0.0.1\r\nDiagnostic-Code: smtp; 550 5.1.1 <x>: no such\r\n\r\n--9D"),
              std::string::npos);
    EXPECT_TRUE(text.ends_with("Content-Description: Undelivered Message Headers\r\n"
                               "Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
                               "Return-Path: <root@obs.test>\r\n"));
    EXPECT_EQ(report_tail(report), "\r\n--9D123A725A4.1795229247/mail.obs.test--\r\n");
}

}  // namespace
}  // namespace posthaste::dsn
