// The texts of notifications, built in or from bounce_template_file (bounce(5)): a header of up to four fields and
// lines for people, with $names that are not expanded yet.
//
//     failure_template = <<EOF
//     Charset: us-ascii
//     From: Mail Delivery System <MAILER-DAEMON>
//     Subject: Undelivered Mail Returned to Sender
//     Postmaster-Subject: Postmaster Copy: Undelivered Mail
//
//     This is the mail system at host $myhostname.
//     EOF
//
// The header ends at the first line that is no "Label: value"; an empty line after it is dropped. A field that a
// template leaves out keeps its built-in value. A template that breaks a rule is left out with a warning and the
// built-in one counts; a file that is not a list of "name = value" is an error. Pure functions; lines end with LF.
#pragma once

#include "base/result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::dsn {

enum class ReportKind : std::uint8_t {
    Failure,    // bounce: the message will not be delivered to these recipients
    Delay,      // warning: it has not been delivered yet
    Success,    // NOTIFY=SUCCESS
    Requested,  // sendmail -v, -bv
};
inline constexpr std::array report_kinds{ReportKind::Failure, ReportKind::Delay, ReportKind::Success,
                                         ReportKind::Requested};

// "failure", "delay", "success", "verify": the template is this name and "_template".
std::string_view name(ReportKind kind);

struct NotificationTemplate {
    std::string charset;
    std::string from;
    std::string subject;
    std::string postmaster_subject;  // empty: the postmaster gets no copies of this kind
    std::vector<std::string> lines;
    bool built_in = true;

    friend bool operator==(const NotificationTemplate&, const NotificationTemplate&) = default;
};

using NotificationTemplates = std::array<NotificationTemplate, report_kinds.size()>;  // by ReportKind

const NotificationTemplate& built_in_template(ReportKind kind);

struct TemplateFile {
    NotificationTemplates templates;
    std::vector<std::string> warnings;
};

// `file` is its name in warnings and errors. Invalid: a line that is no definition.
Result<TemplateFile> parse_notification_templates(std::string_view text, std::string_view file);
// The built-in ones.
TemplateFile built_in_templates();

// As a template file has it (postconf -t).
std::string format_template(ReportKind kind, const NotificationTemplate& given);

}  // namespace posthaste::dsn
