// listing.cc — see listing.h.
#include "daemon/showq/listing.h"

#include "base/fd.h"
#include "dsn/delivery_log.h"
#include "intake/maildrop.h"
#include "net/stream.h"
#include "queue/directory_walk.h"
#include "queue/layout.h"
#include "queue/postfix_import.h"
#include "queue/queue_file.h"
#include "queue/store.h"

#include <chrono>
#include <map>
#include <sys/stat.h>
#include <unistd.h>

namespace posthaste::showq {

namespace {

using std::chrono::seconds;

ListedMessage listed(const queue::Envelope& envelope, const queue::ContentFacts& facts, std::string_view marks)
{
    ListedMessage message;
    message.queue_id = envelope.queue_id;
    message.arrival_time = envelope.arrival_seconds;
    message.size = facts.logged_size();
    message.sender = envelope.sender;
    for (std::size_t i = 0; i < envelope.recipients.size() && i < marks.size(); ++i)
        if (marks[i] == static_cast<char>(queue::RecipientMark::Todo))
            message.recipients.push_back({envelope.recipients[i].address, {}, {}});
    return message;
}

// What the file says besides its content: its modification time is when a deferred message is due.
void take_status(ListedMessage& message, const struct stat& status)
{
    message.forced_expire = queue::is_expired(status.st_mode);
    if (message.queue_name == queue::name(queue::QueueName::Deferred))
        message.next_retry = status.st_mtime;
}

}  // namespace

Task<Result<std::optional<ListedMessage>>> Listing::next()
{
    if (part_ == Part::Start) {
        if (manager_ == QueueManager::Running) {
            CO_TRY(co_await ask_queue_manager());
        } else if (::access((options_.directory + "/journal").c_str(), F_OK) == 0) {
            CO_TRY(co_await read_journal());
        } else {  // a Postfix before us left this queue, and we have not been started yet
            find_files("incoming");
        }
        find_files();
        part_ = Part::Files;
    }
    if (!ready_.empty()) {
        ListedMessage message = std::move(ready_.front());
        ready_.pop_front();
        co_return std::move(message);
    }
    while (!files_.empty()) {
        File file = std::move(files_.front());
        files_.pop_front();
        auto message = file.queue_name == "maildrop" ? read_maildrop(file.path) : read_file(file.queue_name, file.path);
        if (message)
            co_return std::move(*message);
    }
    co_return std::nullopt;
}

Task<Result<void>> Listing::ask_queue_manager()
{
    const auto patience = net::Deadline::after(seconds(60));  // it answers between two deliveries
    CO_TRY(net::Endpoint where, net::Endpoint::unix_path(manager_socket_));
    CO_TRY(net::Stream stream, co_await net::connect(where, patience));
    ipc::Connection connection(std::move(stream));
    CO_TRY(co_await connection.handshake(qmgr::control_protocol, patience));
    CO_TRY(co_await connection.send(qmgr::ControlRequest{qmgr::Command::List, {}}, patience));
    for (;;) {
        CO_TRY(qmgr::ListEntry entry, co_await connection.receive<qmgr::ListEntry>(patience));
        if (entry.last)
            co_return Result<void>{};
        ListedMessage message;
        message.queue_name = entry.queue_name;
        message.queue_id = entry.queue_id;
        message.arrival_time = entry.arrival_time;
        message.size = entry.message_size;
        message.forced_expire = entry.forced_expire;
        message.sender = entry.sender;
        for (qmgr::ListedRecipient& recipient : entry.recipients)
            message.recipients.push_back({recipient.address, recipient.delay_reason, {}});
        ready_.push_back(std::move(message));
    }
}

// Without a queue manager this process holds the scheduler's lock while it reads: nobody changes anything meanwhile.
Task<Result<void>> Listing::read_journal()
{
    CO_TRY(auto store, queue::Store::open(options_));
    // Finds that writers are gone, so that segments are read to their end. A full disk does not matter here.
    if (auto kept_up = co_await store->upkeep(); !kept_up && kept_up.error().kind() != ErrorKind::NoSpace)
        co_return fail(std::move(kept_up).error());
    constexpr std::size_t everything = 10'000'000;
    CO_TRY(auto messages, store->next(everything));
    for (const queue::LoadedMessage& loaded : messages) {
        std::string marks;
        for (queue::RecipientMark mark : loaded.marks)
            marks.push_back(static_cast<char>(mark));
        ListedMessage message = listed(loaded.envelope, loaded.facts, marks);
        message.queue_name = "incoming";
        ready_.push_back(std::move(message));
    }
    co_return Result<void>{};
}

// A directory that cannot be read is left out: the rest is worth showing.
void Listing::find_files()
{
    std::vector<std::string> queues{"maildrop", "deferred", "hold"};
    if (manager_ == QueueManager::Down)
        queues.insert(queues.begin() + 1, "active");
    for (const std::string& queue_name : queues)
        find_files(queue_name);
}

void Listing::find_files(const std::string& queue_name)
{
    (void)queue::for_each_file_below(options_, queue_name,
                                     [&](const queue::WalkedFile& file) { files_.push_back({queue_name, file.path}); });
}

std::optional<ListedMessage> Listing::read_file(const std::string& queue_name, const std::string& path) const
{
    auto file = queue::FileReader::open(options_.directory, path);
    if (!file && queue::is_postfix_queue_file(options_.directory + "/" + path))
        return read_postfix_file(queue_name, path);
    if (!file || !(*file)->envelope_is_intact())
        return std::nullopt;  // gone, incomplete or damaged: the queue manager's business
    auto stored = queue::decode_envelope((*file)->envelope());
    if (!stored)
        return std::nullopt;
    ListedMessage message = listed(stored->envelope, stored->facts, (*file)->marks().substr(1));
    message.queue_name = queue_name;
    struct stat status{};
    if (::fstat((*file)->fd(), &status) == 0)
        take_status(message, status);
    add_reasons(message);
    return message;
}

// Not taken over yet: it is not due.
std::optional<ListedMessage> Listing::read_postfix_file(const std::string& queue_name, const std::string& path) const
{
    const std::string full = options_.directory + "/" + path;
    auto stored = queue::read_postfix_queue_file(full);
    struct stat status{};
    if (!stored || ::stat(full.c_str(), &status) != 0)
        return std::nullopt;
    stored->envelope.queue_id = path.substr(path.rfind('/') + 1);
    ListedMessage message =
        listed(stored->envelope, stored->facts, std::string(stored->envelope.recipients.size(), '\0'));
    message.queue_name = queue_name;
    take_status(message, status);
    add_reasons(message);
    return message;
}

namespace {

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

}  // namespace

std::optional<ListedMessage> Listing::read_maildrop(const std::string& path_in_queue) const
{
    const std::string path = options_.directory + "/" + path_in_queue;
    constexpr std::size_t largest_shown = std::size_t{64} << 20;
    auto content = posthaste::read_file(path, largest_shown);
    struct stat status{};
    if (!content || ::stat(path.c_str(), &status) != 0)
        return std::nullopt;
    auto submission = submission_in(*content);
    if (!submission)
        return std::nullopt;
    ListedMessage message;
    message.queue_name = "maildrop";
    message.queue_id = path.substr(path.rfind('/') + 1);
    message.arrival_time = status.st_mtime;
    message.size = static_cast<std::uint64_t>(status.st_size);
    message.sender = submission->sender;
    for (const intake::SubmittedRecipient& recipient : submission->recipients)
        message.recipients.push_back({recipient.address, {}, {}});
    return message;
}

void Listing::add_reasons(ListedMessage& message) const
{
    auto log =
        posthaste::read_file(options_.directory + "/" + queue::queue_file_path(options_, "defer", message.queue_id));
    if (!log)
        return;
    std::map<std::string, dsn::DeliveryRecord> records;
    for (dsn::DeliveryRecord& record : dsn::parse_delivery_log(*log)) {
        std::string recipient = record.recipient;
        records.insert_or_assign(std::move(recipient), std::move(record));
    }
    for (ListedRecipient& recipient : message.recipients)
        if (auto record = records.find(recipient.address); record != records.end()) {
            recipient.reason = record->second.reason;
            recipient.transport = record->second.transport;
        }
}

}  // namespace posthaste::showq
