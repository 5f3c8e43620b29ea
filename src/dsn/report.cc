// The text of delivery status notifications, see report.h.
#include "dsn/report.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace posthaste::dsn {

namespace {

std::string_view subject(const Report& report)
{
    bool sender = report.audience == Audience::Sender;
    switch (report.kind) {
    case ReportKind::Failure:
        return sender ? "Undelivered Mail Returned to Sender" : "Postmaster Copy: Undelivered Mail";
    case ReportKind::Delay: return sender ? "Delayed Mail (still being retried)" : "Postmaster Warning: Delayed Mail";
    case ReportKind::Success: return "Successful Mail Delivery Report";
    case ReportKind::Requested: break;
    }
    return "Mail Delivery Status Report";
}

std::string explanation(const Report& report)
{
    std::string_view what = report.returned == Returned::Message ? "The message" : "The header of the message";
    switch (report.kind) {
    case ReportKind::Failure:
        return fmt::format("Your message could not be delivered to one or more of its recipients.\r\n"
                           "They are listed below with the reasons. {} is attached.\r\n\r\n"
                           "If you need help, write to postmaster and include this report; the\r\n"
                           "attached message itself may be left out.\r\n",
                           what);
    case ReportKind::Delay:
        return fmt::format("####################################################################\r\n"
                           "# THIS IS A WARNING ONLY. YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\r\n"
                           "####################################################################\r\n\r\n"
                           "Your message could not be delivered for more than {}.\r\n"
                           "Delivery will be tried again until {}.\r\n\r\n"
                           "If you need help, write to postmaster and include this report; the\r\n"
                           "attached header may be left out.\r\n",
                           report.delayed_for, report.retry_until);
    case ReportKind::Success:
        return "Your message was delivered to the recipients that are listed below. For\r\n"
               "those in a mailbox of this system you will hear nothing further; other\r\n"
               "systems, to which it was passed on, may still report that they failed.\r\n";
    case ReportKind::Requested: break;
    }
    return "This is the report on the delivery of your message that you asked for.\r\n";
}

void add_notification(std::string& out, const Report& report)
{
    out += "Content-Description: Notification\r\n"
           "Content-Type: text/plain; charset=utf-8\r\n"
           "Content-Transfer-Encoding: 8bit\r\n\r\n";
    out += fmt::format("This is the mail system at host {}.\r\n\r\n", report.myhostname);
    if (report.audience == Audience::Postmaster)
        out += fmt::format("Copy for the postmaster. The message was sent by <{}>.\r\n", report.sender);
    else
        out += explanation(report);
    out += "\r\n                   The mail system\r\n";
    for (const DeliveryRecord& record : report.records) {
        bool expanded = !record.original_recipient.empty() && record.original_recipient != record.recipient;
        out += "\r\n" +
               wrapped(fmt::format("<{}>{}: {}", record.recipient,
                                   expanded ? fmt::format(" (expanded from <{}>)", record.original_recipient) : "",
                                   record.reason));
    }
    out += "\r\n";
}

void add_recipient_fields(std::string& out, const Report& report, const DeliveryRecord& record)
{
    auto to = std::back_inserter(out);
    fmt::format_to(to, "\r\nFinal-Recipient: rfc822; {}\r\n", record.recipient);
    if (!record.dsn_orcpt.empty()) {
        fmt::format_to(to, "Original-Recipient: {}\r\n", record.dsn_orcpt);
    } else {
        std::string_view original = record.original_recipient.empty() ? record.recipient : record.original_recipient;
        bool complete = original.find('@') != std::string_view::npos;
        fmt::format_to(to, "Original-Recipient: rfc822;{}{}{}\r\n", original, complete ? "" : "@",
                       complete ? "" : report.myorigin);
    }
    std::string_view action = record.action;
    if (action.empty())
        action = report.kind == ReportKind::Delay ? "delayed" : "failed";
    fmt::format_to(to, "Action: {}\r\nStatus: {}\r\n", action, record.code);
    if (!record.remote_mta.empty())
        fmt::format_to(to, "Remote-MTA: dns; {}\r\n", record.remote_mta);
    bool has_diagnostic = !record.diagnostic_type.empty() && !record.diagnostic.empty();
    out += wrapped(fmt::format("Diagnostic-Code: {}; {}", has_diagnostic ? record.diagnostic_type : "X-Postfix",
                               has_diagnostic ? record.diagnostic : record.reason));
    if (report.kind == ReportKind::Delay)
        fmt::format_to(to, "Will-Retry-Until: {}\r\n", report.retry_until);
}

void add_delivery_status(std::string& out, const Report& report)
{
    auto to = std::back_inserter(out);
    fmt::format_to(to,
                   "Content-Description: Delivery report\r\n"
                   "Content-Type: message/delivery-status\r\n\r\n"
                   "Reporting-MTA: dns; {}\r\n",
                   report.myhostname);
    if (!report.envid.empty())
        fmt::format_to(to, "Original-Envelope-Id: {}\r\n", report.envid);
    fmt::format_to(to, "X-{}-Queue-ID: {}\r\n", report.mail_name, report.queue_id);
    if (!report.sender.empty())
        fmt::format_to(to, "X-{}-Sender: rfc822; {}\r\n", report.mail_name, report.sender);
    fmt::format_to(to, "Arrival-Date: {}\r\n", report.arrival_date);
    for (const DeliveryRecord& record : report.records)
        add_recipient_fields(out, report, record);
    out += "\r\n";
}

void add_returned_part(std::string& out, const Report& report)
{
    bool undelivered = report.kind == ReportKind::Failure || report.kind == ReportKind::Delay;
    bool whole = report.returned == Returned::Message;
    out += fmt::format("Content-Description: {}{}\r\nContent-Type: {}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
                       "Return-Path: <{}>\r\n",
                       undelivered ? "Undelivered " : "", whole ? "Message" : "Message Headers",
                       whole ? "message/rfc822" : "text/rfc822-headers", report.sender);
}

}  // namespace

std::string wrapped(std::string_view text)
{
    constexpr std::size_t width = 79;
    constexpr std::size_t indent = 4;
    std::string out;
    std::size_t room = width;
    while (text.size() > room) {
        std::size_t space = text.rfind(' ', room);
        if (space == std::string_view::npos || space == 0)
            space = text.find(' ', room);
        if (space == std::string_view::npos)
            break;
        out.append(text.substr(0, space)).append("\r\n").append(indent, ' ');
        text.remove_prefix(space);
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
        room = width - indent;
    }
    return out.append(text).append("\r\n");
}

std::string report_head(const Report& report)
{
    std::string out = "From: Mail Delivery System <MAILER-DAEMON>\r\n";
    auto to = std::back_inserter(out);
    fmt::format_to(to, "Subject: {}\r\nTo: {}\r\nAuto-Submitted: auto-replied\r\n", subject(report), report.to);
    if (!report.message_id.empty())
        fmt::format_to(to, "References: {0}\r\nIn-Reply-To: {0}\r\n", report.message_id);
    fmt::format_to(to,
                   "MIME-Version: 1.0\r\n"
                   "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{}\"\r\n"
                   "Content-Transfer-Encoding: 8bit\r\n\r\n"
                   "This is a MIME-encapsulated message.\r\n",
                   report.boundary);
    fmt::format_to(to, "\r\n--{}\r\n", report.boundary);
    add_notification(out, report);
    fmt::format_to(to, "--{}\r\n", report.boundary);
    add_delivery_status(out, report);
    fmt::format_to(to, "--{}\r\n", report.boundary);
    add_returned_part(out, report);
    return out;
}

std::string report_tail(const Report& report) { return fmt::format("\r\n--{}--\r\n", report.boundary); }

}  // namespace posthaste::dsn
