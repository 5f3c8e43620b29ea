// The text of delivery status notifications, see report.h.
#include "dsn/report.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace posthaste::dsn {

namespace {

std::string_view subject(const Report& report)
{
    return report.audience == Audience::Sender ? report.text.subject : report.text.postmaster_subject;
}

void add_notification(std::string& out, const Report& report)
{
    out += fmt::format("Content-Description: Notification\r\n"
                       "Content-Type: text/plain; charset={}\r\n"
                       "Content-Transfer-Encoding: 8bit\r\n\r\n",
                       report.text.charset);
    if (report.audience == Audience::Sender)
        for (const std::string& line : report.text.lines)
            out += line + "\r\n";
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
    std::string out;
    auto to = std::back_inserter(out);
    fmt::format_to(to, "From: {}\r\nSubject: {}\r\nTo: {}\r\n", report.text.from, subject(report), report.to);
    if (!report.message_id.empty())
        fmt::format_to(to, "References: {0}\r\nIn-Reply-To: {0}\r\n", report.message_id);
    fmt::format_to(to, "Auto-Submitted: {}\r\n",
                   report.audience == Audience::Sender ? "auto-replied" : "auto-generated");
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
