// Who is told what about a message, and the notifications themselves, committed to the queue through the pipeline.
//
// RFC 3461 5.2, RFC 3464, bounce(8): the sender hears of failures unless NOTIFY forbids it; mail from the null sender
// is never answered: where notify_classes names 2bounce, the postmaster gets it, from double_bounce_sender; what
// comes back from that address is dropped with a line in the log. postconf(5) notify_classes: bounce and delay send
// the postmaster a copy without the message.
#pragma once

#include "config/config.h"
#include "dsn/notification_template.h"
#include "dsn/report.h"
#include "intake/pipeline.h"
#include "net/task.h"
#include "queue/reader.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::bounce {

// What is to be reported on.
struct Subject {
    std::string queue_id;
    std::string sender;  // who gets the report
    std::optional<queue::StoredMessage> message;
    std::vector<dsn::DeliveryRecord> records;
};

// What a delivery agent or the SMTP server has seen that the postmaster wants to hear of (notify_classes).
struct Incident {
    std::string error_class;  // "protocol", "policy", "data", "resource", "software"
    std::string subject;      // behind "Postfix "
    std::string text;         // lines that end with LF
    std::string sender;       // of the message that was being delivered, if there was one
};

// One a process; refers to the pipeline and to the templates.
class Notifier {
public:
    Notifier(const config::Config& config, intake::Pipeline& pipeline, const dsn::NotificationTemplates& templates)
        : config_(config), pipeline_(pipeline), templates_(templates)
    {
    }

    // Each returns the queue id of the sender's notification, empty if none was due. An error: nothing may be
    // forgotten, the caller asks again, and no sender gets again what was committed before the error.
    Task<Result<std::string>> failure(Subject subject);
    Task<Result<std::string>> delay(Subject subject);
    Task<Result<std::string>> success(Subject subject);
    // postconf(5) confirm_delay_cleared: the sender who was told of a delay is told of its end.
    Task<Result<std::string>> delay_cleared(Subject subject);
    // To error_notice_recipient, if notify_classes names the class. What goes wrong with a postmaster notification
    // makes no other one.
    Task<Result<std::string>> incident(Incident incident);

private:
    Task<Result<std::string>> failure_to_each_verp_sender(const Subject& subject,
                                                          std::vector<dsn::DeliveryRecord> records);
    Task<Result<std::string>> failure_to_sender(const Subject& subject, std::string recipient,
                                                std::vector<dsn::DeliveryRecord> records);
    Task<void> copy_to_postmaster(const Subject& subject, dsn::ReportKind kind, std::string recipient,
                                  std::vector<dsn::DeliveryRecord> records);
    Task<Result<std::string>> report_success(Subject subject, dsn::ReportKind kind,
                                             std::vector<dsn::DeliveryRecord> records);
    // A message of ours with its envelope and Received:, Date:.
    intake::Accepted<intake::Message> begin(std::string sender, std::string recipient, queue::Origin origin);
    [[nodiscard]] dsn::Report report(const Subject& subject, dsn::ReportKind kind, dsn::Audience audience,
                                     std::vector<dsn::DeliveryRecord> records) const;
    // Commits one notification; returns its queue id.
    Task<Result<std::string>> send(dsn::Report report, std::string sender, std::string recipient,
                                   queue::StoredMessage message);
    Task<Result<std::string>> try_to_send(dsn::Report report, std::string sender, std::string recipient,
                                          queue::StoredMessage message, intake::Rejection* rejection);
    [[nodiscard]] bool notifies(std::string_view error_class) const;
    [[nodiscard]] std::string double_bounce_sender() const;
    [[nodiscard]] bool is_double_bounce_sender(std::string_view sender) const;
    [[nodiscard]] std::string mailer_daemon() const;
    [[nodiscard]] dsn::Returned returned_part(const queue::StoredMessage& message) const;

    const config::Config& config_;
    intake::Pipeline& pipeline_;
    const dsn::NotificationTemplates& templates_;
    // By queue id of a message for which not all reports could be committed: who has one. In memory only, so that after
    // a death of this process they may come twice.
    std::map<std::string, std::set<std::string>> reported_;
};

}  // namespace posthaste::bounce
