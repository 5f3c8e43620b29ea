// The text of delivery status notifications: multipart/report with a notification for people, a delivery-status part
// for programs, and the message or its header. RFC 3462 (6522), RFC 3464; fields and order as Postfix has them.
//
// Pure functions. Lines end with CRLF. The caller puts the returned content between head and tail.
#pragma once

#include "dsn/delivery_log.h"
#include "dsn/notification_template.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::dsn {

enum class Audience : std::uint8_t { Sender, Postmaster };
enum class Returned : std::uint8_t { Message, Headers };

// What is reported, with everything that stands in the text. Dates are in mail header form.
struct Report {
    ReportKind kind = ReportKind::Failure;
    NotificationTemplate text;  // expanded; its lines are left out of a copy for the postmaster
    Audience audience = Audience::Sender;
    Returned returned = Returned::Headers;
    std::string to;  // external form
    std::string myhostname;
    std::string mail_name;
    std::string queue_id;
    std::string sender;    // of the reported message, external form
    std::string myorigin;  // completes an original recipient that was given without a domain
    std::string arrival_date;
    std::string envid;
    std::string retry_until;  // Delay
    std::string message_id;   // enable_threaded_bounces: of the reported message; empty: no References:
    std::string boundary;
    std::vector<DeliveryRecord> records;
};

// The header (without what intake adds) and the body up to the place of the returned content.
std::string report_head(const Report& report);
// The end; content that does not end with a line end must have got one.
std::string report_tail(const Report& report);

// Breaks text at white space before column 79; following lines are indented by four spaces. Ends with CRLF.
std::string wrapped(std::string_view text);

}  // namespace posthaste::dsn
