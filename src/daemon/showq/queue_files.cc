// queue_files.cc — see queue_files.h.
#include "daemon/showq/queue_files.h"

#include "base/fd.h"
#include "dsn/delivery_log.h"
#include "intake/maildrop.h"
#include "queue/marks.h"
#include "queue/postfix_import.h"
#include "queue/queue_file.h"

#include <map>
#include <sys/stat.h>

namespace posthaste::showq {

using queue::QueueOptions;

server::QueuedMessage listed(const queue::Envelope& envelope, const queue::ContentFacts& facts, std::string_view marks)
{
    server::QueuedMessage message;
    message.queue_id = envelope.queue_id;
    message.arrival_time = envelope.arrival_seconds;
    message.size = facts.logged_size();
    message.sender = envelope.sender;
    for (std::size_t i = 0; i < envelope.recipients.size() && i < marks.size(); ++i)
        if (marks[i] == static_cast<char>(queue::RecipientMark::Todo))
            message.recipients.push_back({envelope.recipients[i].address, {}, {}});
    return message;
}

void add_reasons(const QueueOptions& options, server::QueuedMessage& message)
{
    auto log =
        posthaste::read_file(options.directory + "/" + queue::queue_file_path(options, "defer", message.queue_id));
    if (!log)
        return;
    std::map<std::string_view, const dsn::DeliveryRecord*> by_recipient;
    const std::vector<dsn::DeliveryRecord> records = dsn::parse_delivery_log(*log);
    for (const dsn::DeliveryRecord& record : records)
        by_recipient[record.recipient] = &record;
    for (server::QueuedRecipient& recipient : message.recipients)
        if (auto record = by_recipient.find(recipient.address); record != by_recipient.end()) {
            recipient.reason = record->second->reason;
            recipient.transport = record->second->transport;
        }
}

namespace {

// What the file says besides its content: its modification time is when a deferred message is due.
void take_status(server::QueuedMessage& message, const struct stat& status)
{
    message.forced_expire = queue::is_expired(status.st_mode);
    if (message.queue_name == queue::name(queue::QueueName::Deferred))
        message.next_retry = status.st_mtime;
}

// Not taken over yet: it is not due.
std::optional<server::QueuedMessage> read_postfix_file(const QueueOptions& options, const std::string& queue_name,
                                                       const std::string& path)
{
    const std::string full = options.directory + "/" + path;
    auto stored = queue::read_postfix_queue_file(full);
    struct stat status{};
    if (!stored || ::stat(full.c_str(), &status) != 0)
        return std::nullopt;
    stored->envelope.queue_id = path.substr(path.rfind('/') + 1);
    server::QueuedMessage message =
        listed(stored->envelope, stored->facts, std::string(stored->envelope.recipients.size(), '\0'));
    message.queue_name = queue_name;
    take_status(message, status);
    add_reasons(options, message);
    return message;
}

// Of a file of Postfix or of our postdrop.
Result<intake::Submission> submission_in(const std::string& content)
{
    if (queue::postfix_kind(content) == queue::PostfixKind::None) {
        intake::SubmissionReader reader;
        reader.feed(content);
        TRY(auto submission, reader.envelope());
        if (!submission)
            return fail(ErrorKind::Invalid, "no envelope");
        return std::move(*submission);
    }
    TRY(queue::PostfixMessage message, queue::read_postfix_file(content));
    intake::Submission submission;
    submission.sender = message.envelope.sender;
    for (const queue::Recipient& recipient : message.envelope.recipients)
        submission.recipients.push_back({.address = recipient.address, .notify = recipient.notify});
    return submission;
}

std::optional<server::QueuedMessage> read_maildrop(const QueueOptions& options, const std::string& path_in_queue)
{
    const std::string path = options.directory + "/" + path_in_queue;
    constexpr std::size_t largest_shown = std::size_t{64} << 20;
    auto content = posthaste::read_file(path, largest_shown);
    struct stat status{};
    if (!content || ::stat(path.c_str(), &status) != 0)
        return std::nullopt;
    auto submission = submission_in(*content);
    if (!submission)
        return std::nullopt;
    server::QueuedMessage message;
    message.queue_name = "maildrop";
    message.queue_id = path.substr(path.rfind('/') + 1);
    message.arrival_time = status.st_mtime;
    message.size = static_cast<std::uint64_t>(status.st_size);
    message.sender = submission->sender;
    for (const intake::SubmittedRecipient& recipient : submission->recipients)
        message.recipients.push_back({recipient.address, {}, {}});
    return message;
}

}  // namespace

std::optional<server::QueuedMessage> read_queue_file(const QueueOptions& options, const std::string& queue_name,
                                                     const std::string& path)
{
    if (queue_name == queue::name(queue::QueueName::Maildrop))
        return read_maildrop(options, path);
    const std::string full = options.directory + "/" + path;
    auto summary = queue::read_summary(full);
    if (!summary && queue::is_postfix_queue_file(full))
        return read_postfix_file(options, queue_name, path);
    if (!summary)
        return std::nullopt;
    server::QueuedMessage message =
        listed(summary->stored.envelope, summary->stored.facts, std::string_view(summary->marks).substr(1));
    message.queue_name = queue_name;
    take_status(message, summary->status);
    add_reasons(options, message);
    return message;
}

}  // namespace posthaste::showq
