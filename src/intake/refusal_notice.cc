// A message that intake refuses goes back to its author, see refusal_notice.h.
#include "intake/refusal_notice.h"

#include "address/fold.h"
#include "address/local_part.h"
#include "dsn/report.h"
#include "intake/date.h"
#include "intake/missing_headers.h"
#include "intake/notification_text.h"
#include "log/address_form.h"
#include "log/events_bounce.h"
#include "log/events_delivery.h"
#include "param/basics.h"

#include <chrono>
#include <fmt/format.h>

namespace posthaste::intake {

namespace {

dsn::Report report_of(const Refused& refused, const Pipeline& pipeline)
{
    const config::Config& config = pipeline.config();
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
        report.records.push_back({.recipient = address::quote(pipeline.completed(recipient)),
                                  .action = "failed",
                                  .code = refused.rejection.code.text(),
                                  .reason = refused.rejection.text});
    return report;
}

// As cleanup(8) says of each recipient what became of it.
void log_recipients(const Refused& refused, const Pipeline& pipeline)
{
    using namespace std::chrono;
    const std::int64_t now = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
    const std::int64_t arrival = refused.arrival_seconds * 1'000'000 + refused.arrival_microseconds;
    for (const std::string& recipient : refused.recipients)
        log::delivery({.program = "cleanup",
                       .queue_id = refused.queue_id,
                       .recipient = log::address_text(pipeline.completed(recipient)),
                       .original_recipient = log::address_text(recipient),
                       .relay = "none",
                       .delays = {.before_active = now - arrival},
                       .code = refused.rejection.code.text(),
                       .status = "bounced",
                       .text = refused.rejection.text});
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
    dsn::Report report = report_of(refused, *pipeline);
    notice->add_own_headers(received_line(config.get(param::myhostname), config.get(param::mail_name), envelope));
    notice->add_lines("Date: " + mail_date(envelope.arrival_seconds) + "\r\n");
    notice->add_lines(dsn::report_head(report));
    notice->add_lines(refused.header);
    notice->add_lines(dsn::report_tail(report));
    auto finished = co_await notice->finish();
    if (!finished)
        co_return std::unexpected(std::move(finished.error()));
    log_recipients(refused, *pipeline);  // not before the user's copy is safe
    log::sender_notification_for_bounce(refused.queue_id, log::Notification::NonDelivery, finished->queue_id());
    co_return finished->queue_id();
}

}  // namespace posthaste::intake
