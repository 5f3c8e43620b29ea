// read_queue.cc — see read_queue.h.
#include "command/qshape/read_queue.h"

#include "base/fd.h"
#include "intake/maildrop.h"
#include "log/log.h"
#include "net/tasks.h"
#include "param/basics.h"
#include "queue/directory_walk.h"
#include "queue/layout.h"
#include "queue/marks.h"
#include "queue/postfix_import.h"
#include "queue/queue_file.h"
#include "server/queue_control.h"
#include "server/queue_listing.h"
#include "server/queue_options.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace posthaste::command::qshape {

namespace {

constexpr std::size_t largest_submission = std::size_t{64} << 20;

// --- files

std::optional<QueuedEnvelope> from_queue_file(const queue::FileReader& file)
{
    if (!file.envelope_is_intact())
        return std::nullopt;
    auto stored = queue::decode_envelope(file.envelope());
    if (!stored)
        return std::nullopt;
    const std::string_view marks = file.marks().substr(1);
    QueuedEnvelope found{.arrival_time = stored->envelope.arrival_seconds, .sender = stored->envelope.sender};
    for (std::size_t i = 0; i < std::min(marks.size(), stored->envelope.recipients.size()); ++i)
        if (marks[i] == static_cast<char>(queue::RecipientMark::Todo))
            found.recipients.push_back(std::move(stored->envelope.recipients[i].address));
    return found;
}

std::optional<QueuedEnvelope> from_postfix_file(const std::string& path)
{
    auto message = queue::read_postfix_queue_file(path);
    if (!message)
        return std::nullopt;
    QueuedEnvelope found{.arrival_time = message->envelope.arrival_seconds, .sender = message->envelope.sender};
    for (queue::Recipient& recipient : message->envelope.recipients)
        found.recipients.push_back(std::move(recipient.address));
    return found;
}

// A file that postdrop wrote says nothing of its arrival: that is when it was written.
std::optional<QueuedEnvelope> from_submission(const std::string& path, const struct stat& status)
{
    auto content = read_file(path, largest_submission);
    if (!content)
        return std::nullopt;
    intake::SubmissionReader reader;
    reader.feed(*content);
    auto submission = reader.envelope();
    if (!submission || !*submission)
        return std::nullopt;
    QueuedEnvelope found{.arrival_time = status.st_mtime, .sender = (*submission)->sender};
    for (intake::SubmittedRecipient& recipient : (*submission)->recipients)
        found.recipients.push_back(std::move(recipient.address));
    return found;
}

// What stands for the message is decided by its first bytes, not by the directory.
std::optional<QueuedEnvelope> read_envelope(const std::string& directory, const queue::WalkedFile& file)
{
    const std::string path = directory + "/" + file.path;
    if (auto ours = queue::FileReader::open(directory, file.path))
        return from_queue_file(**ours);
    if (queue::is_postfix_queue_file(path))
        return from_postfix_file(path);
    return from_submission(path, file.status);
}

bool read_directory(const queue::QueueOptions& options, const std::string& name, const EnvelopeSink& sink)
{
    const std::string path = options.directory == "." ? name : options.directory + "/" + name;
    if (::access(path.c_str(), R_OK | X_OK) != 0) {
        log::warning("{}", Error::system(errno, "cannot read " + path).text());
        return false;
    }
    auto read = queue::for_each_file_below(options, name, [&](const queue::WalkedFile& file) {
        if (auto envelope = read_envelope(options.directory, file))
            sink(*envelope);
    });
    if (!read)
        log::warning("{}", read.error().text());
    return read.has_value();
}

// --- new mail

bool is_named(const std::vector<std::string>& queues, const std::string& name)
{
    return std::ranges::find(queues, name) != queues.end();
}

Result<void> read_from_showq(const config::Config& config, const std::vector<std::string>& queues,
                             const EnvelopeSink& sink)
{
    TRY(server::QueueListing listing, server::QueueListing::of_stopped_system(config));
    for (;;) {
        TRY(auto message, listing.next());
        if (!message)
            return {};
        if (!is_named(queues, message->queue_name))
            continue;
        QueuedEnvelope found{.arrival_time = message->arrival_time, .sender = std::move(message->sender)};
        for (server::QueuedRecipient& recipient : message->recipients)
            found.recipients.push_back(std::move(recipient.address));
        sink(found);
    }
}

Result<void> read_new_mail(const config::Config& config, const std::vector<std::string>& queues,
                           const EnvelopeSink& sink)
{
    auto entries = net::run_until_done(server::list_of_queue_manager(server::queue_manager_socket(config)));
    if (!entries)
        return read_from_showq(config, queues, sink);
    for (qmgr::ListEntry& entry : *entries) {
        if (!is_named(queues, entry.queue_name))
            continue;
        QueuedEnvelope found{.arrival_time = entry.arrival_time, .sender = std::move(entry.sender)};
        for (qmgr::ListedRecipient& recipient : entry.recipients)
            found.recipients.push_back(std::move(recipient.address));
        sink(found);
    }
    return {};
}

}  // namespace

Result<QueuesRead> read_queues(const config::Config& config, const std::vector<std::string>& queues,
                               const EnvelopeSink& sink)
{
    const queue::QueueOptions options = server::queue_options(config);
    const std::string& queue_directory = config.get(param::queue_directory);
    if (::chdir(queue_directory.c_str()) != 0)
        return fail_errno("chdir " + queue_directory);
    std::vector<std::string> new_mail;
    QueuesRead counts;
    auto read_files = [&](const queue::QueueOptions& where, const std::string& name) {
        ++(read_directory(where, name, sink) ? counts.read : counts.failed);
    };
    for (std::string queue : queues) {
        if (queue.starts_with(queue_directory + "/"))
            queue.erase(0, queue_directory.size() + 1);
        if (queue == "incoming" || queue == "active") {
            new_mail.push_back(queue);
        } else if (const std::size_t slash = queue.rfind('/'); queue.starts_with('/') && slash != queue.size() - 1) {
            queue::QueueOptions elsewhere = options;
            elsewhere.directory = queue.substr(0, slash);
            read_files(elsewhere, queue.substr(slash + 1));
        } else {
            read_files(options, queue);
        }
    }
    if (!new_mail.empty()) {
        auto read = read_new_mail(config, new_mail, sink);
        if (!read)
            log::warning("incoming and active mail cannot be read: {}", read.error().text());
        (read ? counts.read : counts.failed) += new_mail.size();
    }
    return counts;
}

}  // namespace posthaste::command::qshape
