// Who is told what about a message, see notifier.h.
#include "daemon/bounce/notifier.h"

#include "address/fold.h"
#include "address/local_part.h"
#include "address/verp.h"
#include "base/text.h"
#include "intake/date.h"
#include "intake/missing_headers.h"
#include "intake/notification_text.h"
#include "log/events_bounce.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/bounce.h"
#include "param/cleanup.h"
#include "param/commands.h"
#include "param/qmgr.h"

#include <algorithm>
#include <ctime>
#include <fmt/format.h>

namespace posthaste::bounce {

namespace {

// Whether a recipient's NOTIFY asks for this kind of report; default: failures and delays (RFC 3461 4.1).
std::vector<dsn::DeliveryRecord> wanted(const std::vector<dsn::DeliveryRecord>& records, queue::Notify kind)
{
    std::vector<dsn::DeliveryRecord> chosen;
    for (const dsn::DeliveryRecord& record : records) {
        bool by_default = record.notify == queue::notify_default && kind != queue::notify_success;
        if (by_default || (record.notify & kind) != 0)
            chosen.push_back(record);
    }
    return chosen;
}

// What is told when a delay is over: those who heard of it, or asked for a report.
std::vector<dsn::DeliveryRecord> unless_forbidden(const std::vector<dsn::DeliveryRecord>& records)
{
    std::vector<dsn::DeliveryRecord> chosen;
    std::ranges::copy_if(records, std::back_inserter(chosen), [](const dsn::DeliveryRecord& record) {
        return record.notify == queue::notify_default ||
               (record.notify & (queue::notify_delay | queue::notify_success)) != 0;
    });
    return chosen;
}

// Messages of which some reports are committed and others not yet.
constexpr std::size_t most_unfinished = 1000;

}  // namespace

bool Notifier::notifies(std::string_view error_class) const
{
    return std::ranges::any_of(split(config_.get(param::notify_classes), ", \t\r\n"),
                               [&](std::string_view word) { return equal_ignoring_case(word, error_class); });
}

std::string Notifier::double_bounce_sender() const
{
    return config_.get(param::double_bounce_sender) + "@" + config_.get(param::myhostname);
}

bool Notifier::is_double_bounce_sender(std::string_view sender) const
{
    return equal_ignoring_case(sender, double_bounce_sender());
}

// Stands for the null sender where an address is shown.
std::string Notifier::mailer_daemon() const { return "MAILER-DAEMON@" + config_.get(param::myorigin); }

// postconf(5) bounce_size_limit; RFC 3461 5.4 RET.
dsn::Returned Notifier::returned_part(const queue::StoredMessage& message) const
{
    auto limit = static_cast<std::uint64_t>(config_.get(param::bounce_size_limit));
    bool too_big = limit != 0 && message.facts().logged_size() > limit;
    bool headers_only = message.envelope().dsn_return == queue::DsnReturn::Headers;
    return too_big || headers_only ? dsn::Returned::Headers : dsn::Returned::Message;
}

dsn::Report Notifier::report(const Subject& subject, dsn::ReportKind kind, dsn::Audience audience,
                             std::vector<dsn::DeliveryRecord> records) const
{
    const queue::Envelope& envelope = subject.message->envelope();
    for (dsn::DeliveryRecord& record : records) {
        record.recipient = address::quote(record.recipient);
        record.original_recipient = address::quote(record.original_recipient);
    }
    auto lifetime = config_.get(param::maximal_queue_lifetime);
    return {.kind = kind,
            .text = intake::notification_text(kind, templates_[static_cast<std::size_t>(kind)], config_),
            .audience = audience,
            .returned = dsn::Returned::Headers,
            .to = {},
            .myhostname = config_.get(param::myhostname),
            .mail_name = config_.get(param::mail_name),
            .queue_id = subject.queue_id,
            .sender = address::quote(subject.sender.empty() ? mailer_daemon() : subject.sender),
            .myorigin = config_.get(param::myorigin),
            .arrival_date = intake::mail_date(envelope.arrival_seconds),
            .envid = envelope.dsn_envid,
            .retry_until = intake::mail_date(envelope.arrival_seconds + lifetime.count()),
            .message_id = config_.get(param::enable_threaded_bounces) ? envelope.message_id : std::string(),
            .boundary = fmt::format("{}.{}/{}", subject.queue_id, std::time(nullptr), config_.get(param::myhostname)),
            .records = std::move(records)};
}

Task<Result<std::string>> Notifier::failure(Subject subject)
{
    const queue::StoredMessage& message = *subject.message;
    if (is_double_bounce_sender(subject.sender)) {
        log::warning("{}: undeliverable postmaster notification discarded", subject.queue_id);
        co_return std::string();
    }
    if (subject.sender.empty()) {
        if (!notifies("2bounce"))
            co_return std::string();
        auto notice = report(subject, dsn::ReportKind::Failure, dsn::Audience::Postmaster, subject.records);
        notice.returned = returned_part(message);
        CO_TRY(std::string id, co_await send(std::move(notice), double_bounce_sender(),
                                             config_.get(param::_2bounce_notice_recipient), message));
        log::postmaster_notification(subject.queue_id, log::Notification::NonDelivery, id);
        co_return std::string();
    }
    std::vector<dsn::DeliveryRecord> records = wanted(subject.records, queue::notify_failure);
    if (records.empty())
        co_return std::string();
    const std::string& delimiters = message.envelope().verp_delimiters;
    if (delimiters.size() != 2 || config_.get(param::disable_verp_bounces))
        co_return co_await failure_to_sender(subject, subject.sender, std::move(records));
    co_return co_await failure_to_each_verp_sender(subject, std::move(records));
}

// postconf(5) disable_verp_bounces: the sender address of each report tells which recipient failed.
Task<Result<std::string>> Notifier::failure_to_each_verp_sender(const Subject& subject,
                                                                std::vector<dsn::DeliveryRecord> records)
{
    if (reported_.size() >= most_unfinished && !reported_.contains(subject.queue_id))
        reported_.erase(reported_.begin());
    std::string id;
    for (dsn::DeliveryRecord& record : records) {
        const std::string recipient =
            address::verp_sender(subject.sender, subject.message->envelope().verp_delimiters, record.recipient);
        if (reported_[subject.queue_id].contains(recipient))
            continue;
        std::vector<dsn::DeliveryRecord> one;
        one.push_back(std::move(record));
        CO_TRY(id, co_await failure_to_sender(subject, recipient, std::move(one)));
        reported_[subject.queue_id].insert(recipient);
    }
    reported_.erase(subject.queue_id);
    co_return id;
}

// The notification, and the postmaster's copy.
Task<Result<std::string>> Notifier::failure_to_sender(const Subject& subject, std::string recipient,
                                                      std::vector<dsn::DeliveryRecord> records)
{
    const queue::StoredMessage& message = *subject.message;
    auto notice = report(subject, dsn::ReportKind::Failure, dsn::Audience::Sender, records);
    notice.returned = returned_part(message);
    CO_TRY(std::string id, co_await send(std::move(notice), "", std::move(recipient), message));
    log::sender_notification(subject.queue_id, log::Notification::NonDelivery, id);
    if (notifies("bounce"))
        co_await copy_to_postmaster(subject, dsn::ReportKind::Failure, config_.get(param::bounce_notice_recipient),
                                    std::move(records));
    co_return id;
}

// Whether it can be committed or not: the sender's notification is.
Task<void> Notifier::copy_to_postmaster(const Subject& subject, dsn::ReportKind kind, std::string recipient,
                                        std::vector<dsn::DeliveryRecord> records)
{
    auto copy = report(subject, kind, dsn::Audience::Postmaster, std::move(records));
    auto id = co_await send(std::move(copy), double_bounce_sender(), std::move(recipient), *subject.message);
    if (!id)
        log::warning("{}: no postmaster notification: {}", subject.queue_id, id.error().text());
    else
        log::postmaster_notification(
            subject.queue_id,
            kind == dsn::ReportKind::Delay ? log::Notification::Delay : log::Notification::NonDelivery, *id);
}

Task<Result<std::string>> Notifier::delay(Subject subject)
{
    if (subject.sender.empty() || is_double_bounce_sender(subject.sender))
        co_return std::string();
    std::vector<dsn::DeliveryRecord> records = wanted(subject.records, queue::notify_delay);
    if (records.empty())
        co_return std::string();
    auto warning = report(subject, dsn::ReportKind::Delay, dsn::Audience::Sender, records);
    CO_TRY(std::string id, co_await send(std::move(warning), "", subject.sender, *subject.message));
    log::sender_notification(subject.queue_id, log::Notification::Delay, id);
    if (notifies("delay"))
        co_await copy_to_postmaster(subject, dsn::ReportKind::Delay, config_.get(param::delay_notice_recipient),
                                    std::move(records));
    co_return id;
}

Task<Result<std::string>> Notifier::success(Subject subject)
{
    if (subject.sender.empty())
        co_return std::string();
    bool requested = subject.message->envelope().trace != queue::Trace::None;
    std::vector<dsn::DeliveryRecord> records =
        requested ? subject.records : wanted(subject.records, queue::notify_success);
    if (records.empty())
        co_return std::string();
    co_return co_await report_success(
        std::move(subject), requested ? dsn::ReportKind::Requested : dsn::ReportKind::Success, std::move(records));
}

Task<Result<std::string>> Notifier::delay_cleared(Subject subject)
{
    std::vector<dsn::DeliveryRecord> records = unless_forbidden(subject.records);
    if (subject.sender.empty() || records.empty())
        co_return std::string();
    co_return co_await report_success(std::move(subject), dsn::ReportKind::Success, std::move(records));
}

Task<Result<std::string>> Notifier::report_success(Subject subject, dsn::ReportKind kind,
                                                   std::vector<dsn::DeliveryRecord> records)
{
    CO_TRY(std::string id, co_await send(report(subject, kind, dsn::Audience::Sender, std::move(records)), "",
                                         subject.sender, *subject.message));
    log::sender_notification(subject.queue_id, log::Notification::DeliveryStatus, id);
    co_return id;
}

// A notification that is refused for its size (message_size_limit below bounce_size_limit) goes without the message.
Task<Result<std::string>> Notifier::send(dsn::Report report, std::string sender, std::string recipient,
                                         queue::StoredMessage message)
{
    intake::Rejection rejection;
    auto sent = co_await try_to_send(report, sender, recipient, message, &rejection);
    if (!sent && rejection.fault == intake::Rejection::Fault::Message && report.returned == dsn::Returned::Message) {
        report.returned = dsn::Returned::Headers;
        sent = co_await try_to_send(std::move(report), std::move(sender), std::move(recipient), std::move(message),
                                    &rejection);
    }
    co_return sent;
}

Task<Result<std::string>> Notifier::try_to_send(dsn::Report report, std::string sender, std::string recipient,
                                                queue::StoredMessage message, intake::Rejection* rejection)
{
    auto fail_with = [rejection](intake::Rejection why) {
        *rejection = std::move(why);
        return fail(ErrorKind::Temporary, rejection->detail.empty() ? rejection->text : rejection->detail);
    };
    report.to = address::quote(recipient);
    auto begun = begin(std::move(sender), std::move(recipient), queue::Origin::Bounce);
    if (!begun)
        co_return fail_with(std::move(begun.error()));
    begun->envelope().encoding = queue::BodyEncoding::EightBit;
    begun->add_lines(dsn::report_head(report));
    std::string_view content = message.content();
    if (report.returned == dsn::Returned::Headers)
        content = content.substr(0, message.facts().header_size);
    if (report.returned == dsn::Returned::Headers && content.ends_with("\r\n\r\n"))
        content.remove_suffix(2);
    begun->add_lines(content);
    if (!content.empty() && !content.ends_with("\r\n"))
        begun->add_lines("\r\n");
    begun->add_lines(dsn::report_tail(report));
    auto finished = co_await begun->finish();
    if (!finished)
        co_return fail_with(std::move(finished.error()));
    co_return finished->queue_id();
}

intake::Accepted<intake::Message> Notifier::begin(std::string sender, std::string recipient, queue::Origin origin)
{
    auto begun = pipeline_.begin({.origin = origin, .context = intake::RewriteContext::Local, .client = {}});
    if (!begun)
        return begun;
    queue::Envelope& envelope = begun->envelope();
    envelope.sender = std::move(sender);
    envelope.smtputf8 = !address::is_ascii(recipient);  // RFC 6533 3: a report goes the way of its mail
    // A notification that fails is reported to the postmaster at most (RFC 3461 6.1).
    envelope.recipients.push_back({.address = std::move(recipient), .original = {}, .dsn_orcpt = {}});
    begun->add_own_headers(
        intake::received_line(config_.get(param::myhostname), config_.get(param::mail_name), envelope));
    begun->add_lines("Date: " + intake::mail_date(envelope.arrival_seconds) + "\r\n");
    return begun;
}

// Fields and frame as Postfix has them; the lines between come from the reporter.
Task<Result<std::string>> Notifier::incident(Incident incident)
{
    if (!notifies(incident.error_class) || is_double_bounce_sender(incident.sender))
        co_return std::string();
    const std::string& recipient = config_.get(param::error_notice_recipient);
    auto begun = begin(double_bounce_sender(), recipient, queue::Origin::Notify);
    if (!begun)
        co_return fail(ErrorKind::Temporary, begun.error().text);
    begun->envelope().encoding = queue::BodyEncoding::EightBit;
    begun->add_lines(fmt::format("From: Mail Delivery System <MAILER-DAEMON>\r\nTo: Postmaster <{}>\r\n"
                                 "Subject: {} {}\r\n\r\n",
                                 address::quote(recipient), config_.get(param::mail_name), incident.subject));
    for (std::size_t at = 0; at < incident.text.size();) {
        std::size_t end = std::min(incident.text.find('\n', at), incident.text.size());
        begun->add_lines(incident.text.substr(at, end - at) + "\r\n");
        at = end + 1;
    }
    begun->add_lines("\r\nFor other details, see the local mail logfile\r\n");
    auto finished = co_await begun->finish();
    if (!finished)
        co_return fail(ErrorKind::Temporary, finished.error().text);
    co_return finished->queue_id();
}

}  // namespace posthaste::bounce
