// bounce(8), see service.h.
#include "daemon/bounce/service.h"

#include "intake/notification_text.h"
#include "intake/service_config.h"
#include "log/log.h"
#include "param/bounce.h"
#include "param/services.h"
#include "server/queue_options.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <unordered_map>

namespace posthaste::bounce {

namespace {

constexpr auto write_timeout = std::chrono::seconds(100);
// Answers that may be outstanding on one connection before the next request is read.
constexpr std::size_t most_outstanding = 100;

dsn::DeliveryRecord record_of(const Record& given)
{
    return {.recipient = given.recipient,
            .original_recipient = given.original_recipient,
            .dsn_orcpt = given.dsn_orcpt,
            .notify = given.notify,
            .action = given.action,
            .code = given.code,
            .reason = given.reason,
            .remote_mta = given.remote_mta,
            .diagnostic_type = given.diagnostic_type,
            .diagnostic = given.diagnostic,
            .time = given.time,
            .transport = given.transport};
}

std::vector<dsn::DeliveryRecord> records_of(const std::vector<Record>& given)
{
    std::vector<dsn::DeliveryRecord> records;
    std::ranges::transform(given, std::back_inserter(records), record_of);
    return records;
}

// A record stays behind when an agent dies between Append and its mark; the recipient may have been delivered since.
// Recipients that the queue knows as failed are reported; so are those whose address was changed on the way.
void leave_out_delivered(std::vector<dsn::DeliveryRecord>& records, const queue::StoredMessage& message)
{
    std::unordered_map<std::string_view, bool> owed;
    const auto& recipients = message.envelope().recipients;
    for (std::size_t i = 0; i < recipients.size(); ++i)
        for (const std::string* name : {&recipients[i].address, &recipients[i].original_address()})
            owed[*name] |= message.mark(i) != queue::RecipientMark::Done;
    std::erase_if(records, [&](const dsn::DeliveryRecord& record) {
        auto known = owed.find(record.recipient);
        if (known == owed.end())
            known = owed.find(record.original_recipient);  // the record of a list's member
        return known != owed.end() && !known->second;
    });
}

}  // namespace

// The three services may have other names in master.cf; their directories are the same.
Service::Role Service::role() const
{
    if (context_.service_name == context_.config->get(param::defer_service_name))
        return Role::Defer;
    if (context_.service_name == context_.config->get(param::trace_service_name))
        return Role::Trace;
    return Role::Bounce;
}

Result<void> Service::before_jail()
{
    role_ = role();
    const std::string& file = context_.config->get(param::bounce_template_file);
    TRY(dsn::TemplateFile templates, intake::load_notification_templates(file));
    for (const std::string& warning : templates.warnings)
        log::warning("{}", warning);
    templates_ = std::move(templates.templates);
    TRY(auto config, intake::load_service_config(*context_.config));
    TRY(pipeline_, intake::Pipeline::open(std::move(config)));
    return {};
}

Result<void> Service::after_jail()
{
    queue::QueueOptions options = server::queue_options(*context_.config);
    std::string directory = role_ == Role::Bounce ? "bounce" : role_ == Role::Defer ? "defer" : "trace";
    logs_ = std::make_unique<LogStore>(options, directory,
                                       role_ == Role::Defer ? Durability::Advisory : Durability::Synced);
    reader_ = std::make_unique<queue::Reader>(options);
    return {};
}

// With the first notification: most processes of this program write logs and nothing else, and need no journal
// segment of their own.
Result<void> Service::open_queue()
{
    if (notifier_)
        return {};
    TRY(pipeline_->start(server::queue_options(*context_.config), server::queue_manager_socket(*context_.config)));
    notifier_ = std::make_unique<Notifier>(*context_.config, *pipeline_, templates_);
    return {};
}

// One client. Answers are kept in the order of the requests; the writer sends those at the front that are ready.
struct Service::Session {
    explicit Session(net::Stream stream) : connection(std::move(stream)) {}

    ipc::Connection connection;
    std::deque<std::string> answers;  // empty: not ready
    std::size_t first = 0;            // number of the request at the front
    net::Event changed;
    bool ended = false;
};

Task<void> Service::serve(net::Stream client, net::Endpoint)
{
    auto session = std::make_shared<Session>(std::move(client));
    auto begun = co_await session->connection.handshake(bounce_protocol, net::Deadline::after(write_timeout));
    if (!begun) {
        log::warning("{}", begun.error().text());
        co_return;
    }
    tasks_.start(write_answers(session));
    for (std::size_t number = 0;; ++number) {
        // Agents and the queue manager keep their connections; the end of the stream ends the wait.
        auto request = co_await session->connection.receive<Request>(net::Deadline::never());
        if (!request)
            break;
        while (session->answers.size() >= most_outstanding && !session->ended)
            if (auto waited = co_await session->changed.wait(net::Deadline::after(write_timeout)); !waited)
                break;
        if (session->ended)
            break;
        session->answers.emplace_back();
        tasks_.start(answer(session, number, std::move(*request)));
    }
    session->ended = true;
    session->changed.pulse();
}

// Bounded by the syncs of the disk, by write_timeout, and by the grace of a stop.
Task<void> Service::leaving() { static_cast<void>(co_await tasks_.join(net::Deadline::never())); }

Task<void> Service::answer(std::shared_ptr<Session> session, std::size_t position, Request request)
{
    Reply reply = co_await perform(std::move(request));
    session->answers[position - session->first] = ipc::encode(reply);
    session->changed.pulse();
}

Task<void> Service::write_answers(std::shared_ptr<Session> session)
{
    while (!session->ended || !session->answers.empty()) {
        if (session->answers.empty() || session->answers.front().empty()) {
            // Every request is answered in the end, and the reader's end wakes this task, too.
            static_cast<void>(co_await session->changed.wait(net::Deadline::never()));
            continue;
        }
        std::string list = std::move(session->answers.front());
        session->answers.pop_front();
        ++session->first;
        log::flush();
        auto sent = co_await session->connection.send_bytes(std::move(list), net::Deadline::after(write_timeout));
        if (!sent)
            session->ended = true;
        session->changed.pulse();
    }
}

Task<Reply> Service::perform(Request request)
{
    Reply reply;
    auto done = [&reply](Result<void> result) {
        reply.ok = result.has_value();
        if (!result)
            reply.error = result.error().text();
    };
    std::string queue_id = request.queue_id;
    switch (request.command) {
    case Command::Append: done(co_await logs_->append(queue_id, records_of(request.records))); break;
    case Command::Drop: done(logs_->remove(queue_id)); break;
    case Command::Report: {
        auto id = co_await report(std::move(request));
        if (id)
            reply.notification_id = *id;
        done(id ? Result<void>() : Result<void>(fail(id.error())));
        break;
    }
    case Command::Incident: {
        auto id = co_await report_incident(std::move(request));
        done(id ? Result<void>() : Result<void>(fail(id.error())));
        break;
    }
    case Command::Flush:
    case Command::ConfirmDelayCleared:
    case Command::Warn: {
        const bool remove = request.command != Command::Warn;
        auto id = co_await notify(std::move(request));
        done(id ? Result<void>() : Result<void>(fail(id.error())));
        if (!id)
            break;
        reply.notification_id = *id;
        // The notification is committed: what it was made of may go, and does no harm if it cannot. A crash before that
        // repeats the notification.
        if (remove)
            if (auto removed = logs_->remove(queue_id); !removed)
                log::warning("{}: {}", queue_id, removed.error().text());
        break;
    }
    }
    if (!reply.ok)
        log::warning("{}: {}", queue_id, reply.error);
    if (pipeline_->broken())
        context_.leave();
    co_return reply;
}

Task<Result<std::string>> Service::notify(Request request)
{
    CO_TRY(auto records, logs_->read(request.queue_id));
    if (records.empty() && request.records.empty())
        co_return std::string();
    CO_TRY(open_queue());
    CO_TRY(queue::StoredMessage message, co_await open_message(request.message));
    if (role_ != Role::Trace)
        leave_out_delivered(records, message);
    for (const Record& given : request.records) {
        std::erase_if(records, [&](const auto& known) {
            return known.recipient == given.recipient && known.original_recipient == given.original_recipient;
        });
        records.push_back(record_of(given));
    }
    if (records.empty())
        co_return std::string();
    Subject subject{.queue_id = request.queue_id,
                    .sender = request.sender,
                    .message = std::move(message),
                    .records = std::move(records)};
    if (request.command == Command::Warn)
        co_return co_await notifier_->delay(std::move(subject));
    if (request.command == Command::ConfirmDelayCleared)
        co_return co_await notifier_->delay_cleared(std::move(subject));
    if (role_ == Role::Trace)
        co_return co_await notifier_->success(std::move(subject));
    co_return co_await notifier_->failure(std::move(subject));
}

Task<Result<std::string>> Service::report_incident(Request request)
{
    CO_TRY(open_queue());
    co_return co_await notifier_->incident({.error_class = std::move(request.error_class),
                                            .subject = std::move(request.subject),
                                            .text = std::move(request.text),
                                            .sender = std::move(request.sender)});
}

Task<Result<std::string>> Service::report(Request request)
{
    CO_TRY(open_queue());
    CO_TRY(queue::StoredMessage message, co_await open_message(request.message));
    co_return co_await notifier_->failure({.queue_id = std::move(request.queue_id),
                                           .sender = std::move(request.sender),
                                           .message = std::move(message),
                                           .records = records_of(request.records)});
}

// The message may be locked for the moment in which it is moved.
Task<Result<queue::StoredMessage>> Service::open_message(std::string reference)
{
    CO_TRY(queue::MessageRef ref, queue::MessageRef::parse(reference));
    for (int attempt = 0;; ++attempt) {
        auto message = reader_->open(ref);
        if (message || message.error().kind() != ErrorKind::Temporary || attempt == 10)
            co_return message;
        co_await net::sleep_for(std::chrono::milliseconds(100));
    }
}

}  // namespace posthaste::bounce
