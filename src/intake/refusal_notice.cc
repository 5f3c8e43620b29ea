// A message that intake refuses goes back to its author, see refusal_notice.h.
#include "intake/refusal_notice.h"

#include "address/fold.h"
#include "address/local_part.h"
#include "dsn/report.h"
#include "intake/date.h"
#include "intake/missing_headers.h"
#include "intake/notification_text.h"
#include "log/events_bounce.h"
#include "param/basics.h"

#include <fmt/format.h>

namespace posthaste::intake {

namespace {

dsn::Report report_of(const Refused& refused, const config::Config& config)
{
    dsn::Report report{
        .kind = dsn::ReportKind::Failure,
        .text = notification_text(dsn::ReportKind::Failure, dsn::built_in_template(dsn::ReportKind::Failure), config),
        .audience = dsn::Audience::Sender,
        .returned = dsn::Returned::Headers,
        .to = address::quote(refused.sender),
        .myhostname = config.get(param::myhostname),
        .mail_name = config.get(param::mail_name),
        .queue_id = refused.queue_id,
        .sender = address::quote(refused.sender),
        .myorigin = config.get(param::myorigin),
        .arrival_date = mail_date(refused.arrival_seconds),
        .boundary = fmt::format("{}.{}/{}", refused.queue_id, refused.arrival_seconds, config.get(param::myhostname))};
    for (const std::string& recipient : refused.recipients)
        report.records.push_back({.recipient = address::quote(recipient),
                                  .action = "failed",
                                  .code = refused.rejection.code.text(),
                                  .reason = refused.rejection.text});
    return report;
}

}  // namespace

Task<Accepted<std::string>> return_to_sender(Pipeline* pipeline, Refused refused)
{
    auto notice = pipeline->begin({.origin = queue::Origin::Bounce, .context = RewriteContext::Local, .client = {}});
    if (!notice)
        co_return std::unexpected(std::move(notice.error()));
    const config::Config& config = pipeline->config();
    queue::Envelope& envelope = notice->envelope();
    envelope.recipients.push_back({.address = refused.sender, .original = {}, .dsn_orcpt = {}});
    envelope.smtputf8 = !address::is_ascii(refused.sender);
    dsn::Report report = report_of(refused, config);
    notice->add_own_headers(received_line(config.get(param::myhostname), config.get(param::mail_name), envelope));
    notice->add_lines("Date: " + mail_date(envelope.arrival_seconds) + "\r\n");
    notice->add_lines(dsn::report_head(report));
    notice->add_lines(refused.header);
    notice->add_lines(dsn::report_tail(report));
    auto finished = co_await notice->finish();
    if (!finished)
        co_return std::unexpected(std::move(finished.error()));
    log::sender_notification(refused.queue_id, log::Notification::NonDelivery, finished->queue_id());
    co_return finished->queue_id();
}

}  // namespace posthaste::intake
