// delivery_job.cc — see delivery_job.h.
#include "server/delivery_job.h"

#include "log/address_form.h"
#include "log/events_delivery.h"
#include "log/log.h"

#include <algorithm>
#include <chrono>

namespace posthaste::server {

namespace {

// Longer than any flush of a busy disk takes; after it the recipient is put off and nothing is lost.
constexpr std::chrono::seconds report_timeout{300};

std::int64_t now_microseconds()
{
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::string_view action_of_success(const dsn::Outcome& outcome)
{
    switch (outcome.action) {
    case dsn::Action::Relayed: return "relayed";
    case dsn::Action::Expanded: return "expanded";
    default: return "delivered";
    }
}

std::string_view status_word(dsn::Action action)
{
    switch (action) {
    case dsn::Action::Deferred: return "deferred";
    case dsn::Action::Bounced: return "bounced";
    default: return "sent";
    }
}

qmgr::RecipientReply reply_for_mark(std::uint32_t index, queue::RecipientMark mark)
{
    auto result = mark == queue::RecipientMark::Bounced ? qmgr::RecipientResult::Bounced : qmgr::RecipientResult::Done;
    return {.index = index, .result = result, .code = {}, .reason = "settled before"};
}

}  // namespace

ReportServices::ReportServices(bool soft_bounce_, const std::string& bounce_socket, const std::string& defer_socket,
                               const std::string& trace_socket)
    : bounce(bounce_socket, bounce::bounce_protocol), defer(defer_socket, bounce::bounce_protocol),
      trace(trace_socket, bounce::bounce_protocol), soft_bounce(soft_bounce_)
{
}

Job::Job(qmgr::DeliveryRequest request, queue::StoredMessage message, ReportServices& services)
    : request_(std::move(request)), message_(std::move(message)), services_(&services), started_(now_microseconds())
{
    reply_.id = request_.id;
}

Result<JobPtr> Job::make(qmgr::DeliveryRequest request, queue::StoredMessage message, ReportServices& services)
{
    JobPtr job(new Job(std::move(request), std::move(message), services));
    const auto& in_envelope = job->envelope().recipients;
    for (qmgr::RequestRecipient& recipient : job->request_.recipients) {
        if (recipient.index >= in_envelope.size())
            return fail(ErrorKind::Invalid, "request for recipient " + std::to_string(recipient.index) + " of " +
                                                std::to_string(in_envelope.size()));
        // Settled by a delivery whose answer got lost: say so again rather than deliver twice.
        if (auto mark = job->message_->mark(recipient.index); mark != queue::RecipientMark::Todo)
            job->reply_.recipients.push_back(reply_for_mark(recipient.index, mark));
        else
            job->recipients_.push_back({recipient.index, std::move(recipient.address), &in_envelope[recipient.index]});
    }
    job->settled_.resize(job->recipients_.size());
    return job;
}

bool Job::verify_only() const
{
    return request_.kind == qmgr::RequestKind::Verify || request_.kind == qmgr::RequestKind::TraceOnly;
}

void Job::connecting() { connects_ = true; }

void Job::connected()
{
    connects_ = true;
    connected_ = now_microseconds();
}

void Job::destination_problem(dsn::Code code, std::string_view text)
{
    reply_.destination_problem = text;
    reply_.destination_problem_code = code.text();
}

Task<void> Job::settle(Outcomes outcomes)
{
    if (services_->filter)
        for (RecipientOutcome& item : outcomes) {
            co_await services_->filter->apply(&item.outcome);
            for (ExpandedOutcome& member : item.expanded)
                co_await services_->filter->apply(&member.outcome);
        }
    if (request_.handed_on > 0) {
        answer_agent(std::move(outcomes));
        co_return;
    }
    Outcomes sent, failed, deferred;
    for (RecipientOutcome& item : outcomes) {
        if (item.recipient >= recipients_.size() || settled_[item.recipient])
            panic("an agent settled a recipient twice, or one that it was not asked to deliver to");
        settled_[item.recipient] = true;
        switch (item.outcome.action) {
        case dsn::Action::Deferred: deferred.push_back(std::move(item)); break;
        case dsn::Action::Bounced: failed.push_back(std::move(item)); break;
        default: sent.push_back(std::move(item)); break;
        }
    }
    if (verify_only()) {
        std::ranges::move(failed, std::back_inserter(deferred));
        co_await settle_probe(std::move(sent), std::move(deferred));
        co_return;
    }
    if (!sent.empty())
        co_await settle_sent(std::move(sent));
    if (!failed.empty())
        co_await settle_failed(std::move(failed));
    if (!deferred.empty())
        co_await settle_deferred(std::move(deferred), "deferred");
}

// The agent that handed the recipients on reports and marks; the log line is written here, where the delivery was made.
void Job::answer_agent(Outcomes outcomes)
{
    for (RecipientOutcome& item : outcomes) {
        settled_[item.recipient] = true;
        const bool failed = item.outcome.action == dsn::Action::Bounced;
        const bool put_off = item.outcome.action == dsn::Action::Deferred;
        std::string_view status = status_word(item.outcome.action);
        if (verify_only())
            status = failed || put_off ? "undeliverable" : "deliverable";
        else if (failed && services_->soft_bounce)
            status = "SOFTBOUNCE";
        log_lines(item, status);
        const dsn::Outcome& outcome = item.outcome;
        reply_.recipients.push_back({.index = recipients_[item.recipient].index,
                                     .result = put_off  ? qmgr::RecipientResult::Deferred
                                               : failed ? qmgr::RecipientResult::Bounced
                                                        : qmgr::RecipientResult::Done,
                                     .code = outcome.code.text(),
                                     .reason = outcome.text,
                                     .relay = outcome.relay,
                                     .remote_mta = outcome.remote_mta,
                                     .diagnostic_type = outcome.diagnostic_type,
                                     .diagnostic = outcome.diagnostic,
                                     .is_relayed = outcome.action == dsn::Action::Relayed,
                                     .notification_passed_on = item.notification_passed_on});
    }
}

// The answer to "what would happen": a report, and no second attempt.
Task<void> Job::settle_probe(Outcomes deliverable, Outcomes undeliverable)
{
    if (request_.kind == qmgr::RequestKind::TraceOnly) {
        std::vector<bounce::Record> records;
        for (const RecipientOutcome& item : deliverable)
            records.push_back(record_of(item, "deliverable"));
        for (const RecipientOutcome& item : undeliverable)
            records.push_back(record_of(item, "undeliverable"));
        static_cast<void>(co_await append(services_->trace, std::move(records)));
    }
    for (const RecipientOutcome& item : deliverable)
        finish(item, "deliverable", qmgr::RecipientResult::Done);
    for (const RecipientOutcome& item : undeliverable)
        finish(item, "undeliverable", qmgr::RecipientResult::Done);
}

Task<void> Job::settle_sent(Outcomes outcomes)
{
    std::vector<bounce::Record> records;
    for (const RecipientOutcome& item : outcomes) {
        bool asked = recipients_[item.recipient].envelope->notify & queue::notify_success;
        if ((!asked || item.notification_passed_on) && request_.kind != qmgr::RequestKind::TraceAndDeliver &&
            request_.kind != qmgr::RequestKind::RecordAndDeliver)
            continue;
        bounce::Record& record = records.emplace_back(record_of(item, action_of_success(item.outcome)));
        record.reason = "delivery via " + item.outcome.relay + ": " + record.reason;
    }
    // The message is delivered whether or not a report can be made of it: repeating it would be worse.
    if (!records.empty())
        static_cast<void>(co_await append(services_->trace, std::move(records)));
    for (const RecipientOutcome& item : outcomes)
        finish(item, "sent", qmgr::RecipientResult::Done);
}

Task<void> Job::settle_failed(Outcomes outcomes)
{
    if (services_->soft_bounce) {
        for (RecipientOutcome& item : outcomes)
            for (ExpandedOutcome& member : item.expanded)
                if (member.outcome.action == dsn::Action::Bounced)
                    member.outcome.code = member.outcome.code.with_class(4);
        co_await settle_deferred(std::move(outcomes), "SOFTBOUNCE");
        co_return;
    }
    std::vector<bounce::Record> records;
    for (const RecipientOutcome& item : outcomes)
        add_failures(item, records);
    if (request_.kind == qmgr::RequestKind::TraceAndDeliver)
        static_cast<void>(co_await append(services_->trace, records));
    // The reason is durable before the mark: a mark without a reason would be a bounce that says nothing.
    if (co_await append(services_->bounce, std::move(records))) {
        for (const RecipientOutcome& item : outcomes)
            finish(item, "bounced", qmgr::RecipientResult::Bounced);
        co_return;
    }
    for (RecipientOutcome& item : outcomes) {
        item.outcome.action = dsn::Action::Deferred;
        item.outcome.code = {4, 3, 0};
        item.outcome.text = "bounce or trace service failure";
    }
    co_await settle_deferred(std::move(outcomes), "deferred");
}

Task<void> Job::settle_deferred(Outcomes outcomes, std::string_view status)
{
    std::vector<bounce::Record> records;
    for (RecipientOutcome& item : outcomes) {
        item.outcome.code = item.outcome.code.with_class(4);
        records.push_back(record_of(item, "delayed"));
    }
    if (request_.kind == qmgr::RequestKind::TraceAndDeliver)
        static_cast<void>(co_await append(services_->trace, records));
    // The defer log is for mailq and for reports; without it the message is put off all the same.
    static_cast<void>(co_await append(services_->defer, std::move(records)));
    for (const RecipientOutcome& item : outcomes)
        finish(item, status, qmgr::RecipientResult::Deferred);
}

Task<bool> Job::append(ipc::Client& service, std::vector<bounce::Record> records)
{
    bounce::Request request;
    request.command = bounce::Command::Append;
    request.queue_id = envelope().queue_id;
    request.sender = request_.sender;
    request.records = std::move(records);
    auto reply = co_await service.call<bounce::Reply>(std::move(request), net::Deadline::after(report_timeout));
    if (reply && reply->ok)
        co_return true;
    log::warning("{}: cannot store the outcome of delivery: {}", envelope().queue_id,
                 reply ? reply->error : reply.error().text());
    co_return false;
}

bounce::Record Job::record_of(const RecipientOutcome& item, std::string_view action) const
{
    const JobRecipient& recipient = recipients_[item.recipient];
    const dsn::Outcome& outcome = item.outcome;
    return {.recipient = recipient.address,
            .original_recipient = recipient.envelope->original,
            .dsn_orcpt = recipient.envelope->dsn_orcpt,
            .notify = recipient.envelope->notify,
            .action = std::string(action),
            .code = outcome.code.text(),
            .reason = outcome.text,
            .remote_mta = outcome.remote_mta,
            .diagnostic_type = outcome.diagnostic_type,
            .diagnostic = outcome.diagnostic,
            .time = now_microseconds() / 1'000'000,
            .transport = request_.transport};
}

// Each member of a list that has failed has a reason of its own; its owner has been told of those that are the owner's.
void Job::add_failures(const RecipientOutcome& item, std::vector<bounce::Record>& records) const
{
    if (item.expanded.empty())
        records.push_back(record_of(item, "failed"));
    for (const ExpandedOutcome& member : item.expanded) {
        if (member.has_owner || member.outcome.action != dsn::Action::Bounced)
            continue;
        RecipientOutcome failed{.recipient = item.recipient, .outcome = member.outcome};
        records.push_back(record_of(failed, "failed"));
        records.back().recipient = member.address;
        records.back().original_recipient = recipients_[item.recipient].envelope->original_address();
    }
}

Task<bool> Job::report_to_owner(std::string owner, ExpandedOutcome member)
{
    bounce::Request request;
    request.command = bounce::Command::Report;
    request.queue_id = envelope().queue_id;
    request.message = request_.message;
    request.sender = std::move(owner);
    request.records.push_back({.recipient = member.address,
                               .action = "failed",
                               .code = member.outcome.code.text(),
                               .reason = member.outcome.text,
                               .remote_mta = member.outcome.remote_mta,
                               .diagnostic_type = member.outcome.diagnostic_type,
                               .diagnostic = member.outcome.diagnostic,
                               .time = now_microseconds() / 1'000'000,
                               .transport = request_.transport});
    auto reply =
        co_await services_->bounce.call<bounce::Reply>(std::move(request), net::Deadline::after(report_timeout));
    if (reply && reply->ok)
        co_return true;
    log::warning("{}: cannot tell the owner of a list of a failure: {}", envelope().queue_id,
                 reply ? reply->error : reply.error().text());
    co_return false;
}

// Log, mark, answer: in this order, so that what is marked can be found in the log.
void Job::finish(const RecipientOutcome& item, std::string_view status, qmgr::RecipientResult result)
{
    const JobRecipient& recipient = recipients_[item.recipient];
    log_lines(item, status);
    if (result != qmgr::RecipientResult::Deferred) {
        auto mark = result == qmgr::RecipientResult::Done ? queue::RecipientMark::Done : queue::RecipientMark::Bounced;
        if (auto marked = message_->set_mark(recipient.index, mark); !marked)
            log::warning("{}: to=<{}>: cannot mark the recipient as done: {}", envelope().queue_id,
                         log::address_text(recipient.address), marked.error().text());
    }
    qmgr::RecipientReply& reply = reply_.recipients.emplace_back();
    reply.index = recipient.index;
    reply.result = result;
    if (result == qmgr::RecipientResult::Deferred) {
        reply.code = item.outcome.code.text();
        reply.reason = item.outcome.text;
    } else {
        reply.code = item.outcome.code.text();
    }
}

void Job::log_lines(const RecipientOutcome& item, std::string_view status) const
{
    const JobRecipient& recipient = recipients_[item.recipient];
    if (item.expanded.empty())
        log_line(recipient, {.address = recipient.address, .outcome = item.outcome}, status);
    for (const ExpandedOutcome& part : item.expanded)
        if (!part.is_known)
            log_line(recipient, part,
                     part.outcome.action == item.outcome.action ? status : status_word(part.outcome.action));
}

void Job::log_line(const JobRecipient& recipient, const ExpandedOutcome& part, std::string_view status) const
{
    const dsn::Outcome& outcome = part.outcome;
    std::int64_t now = now_microseconds();
    std::int64_t arrival = envelope().arrival_seconds * 1'000'000 + envelope().arrival_microseconds;
    std::int64_t active = request_.active_since ? request_.active_since : started_;
    std::int64_t set_up = connected_ ? connected_ : connects_ ? now : started_;
    std::string to = log::address_text(part.address);
    const queue::Recipient& received = *recipient.envelope;  // routing may have unwrapped its address
    std::string original = part.has_owner ? to : log::address_text(received.original_address());
    log::delivery({.queue_id = envelope().queue_id,
                   .recipient = to,
                   .original_recipient = original,
                   .relay = outcome.relay,
                   .connection_use = connection_use_,
                   .delays = {.before_active = active - arrival,
                              .in_active = started_ - active,
                              .connecting = set_up - started_,
                              .transmitting = now - set_up},
                   .code = outcome.code.text(),
                   .status = status,
                   .text = outcome.text});
}

Task<void> Job::settle_rest()
{
    Outcomes rest;
    for (std::size_t i = 0; i < recipients_.size(); ++i)
        if (!settled_[i])
            rest.push_back(
                {.recipient = i, .outcome = dsn::Outcome::deferred({4, 3, 0}, "delivery agent reported no outcome")});
    if (!rest.empty())
        co_await settle(std::move(rest));
}

void Job::sync_marks()
{
    if (auto synced = message_->sync_marks(); !synced)
        log::warning("{}: {}", envelope().queue_id, synced.error().text());
}

qmgr::DeliveryReply Job::close()
{
    for (JobRecipient& recipient : recipients_)
        recipient.envelope = nullptr;
    message_.reset();
    return std::move(reply_);
}

Outcomes outcome_for_each(const Job& job, const dsn::Outcome& outcome)
{
    Outcomes outcomes(job.recipients().size());
    for (std::size_t i = 0; i < outcomes.size(); ++i)
        outcomes[i] = {.recipient = i, .outcome = outcome};
    return outcomes;
}

}  // namespace posthaste::server
