// export.cc — see export.h.
#include "command/postsuper/export.h"

#include "base/fd.h"
#include "intake/maildrop.h"
#include "log/log.h"
#include "net/tasks.h"
#include "param/basics.h"
#include "param/cleanup.h"
#include "queue/directory_walk.h"
#include "queue/postfix_import.h"
#include "queue/queue_file.h"
#include "queue/reader.h"
#include "queue/store.h"
#include "server/identity.h"
#include "server/master_lock.h"
#include "server/queue_options.h"

#include <array>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace posthaste::command::postsuper {

namespace {

using queue::QueueName;
using queue::RecipientMark;
using queue::WallTime;

constexpr std::size_t read_at_once = 1000;  // messages of the journal
constexpr mode_t mode_submission = 0744;    // in maildrop, complete
constexpr std::size_t largest_file = std::size_t{4} << 30;

constexpr std::array<std::string_view, 4> own_directories{"incoming", "deferred", "hold", "defer"};

// Nobody else changes the queue as long as this lives.
Result<std::unique_ptr<queue::Store>> open_stopped(const config::Config& config)
{
    TRY(auto store, queue::Store::open(server::queue_options(config)));
    TRY(store->is_all_readable());
    TRY(net::run_until_done(store->upkeep()));  // finds that writers are gone: segments are read to their end
    return store;
}

// For each message of the journal, and of incoming/ (they are found in active/ afterwards).
Result<void> for_each_new(queue::Store& store, const std::function<void(const queue::LoadedMessage&)>& callback)
{
    for (;;) {
        TRY(auto found, store.next(read_at_once));
        if (found.empty())
            return {};
        for (const queue::LoadedMessage& message : found)
            callback(message);
    }
}

Result<void> for_each_submission(const std::function<void(const queue::WalkedFile&)>& callback)
{
    return queue::for_each_file_below({}, name(QueueName::Maildrop), [&](const queue::WalkedFile& file) {
        if (queue::is_complete(file.status.st_mode))
            callback(file);
    });
}

// A file of our postdrop in Postfix's format; one of Postfix as it is.
Result<std::string> postfix_submission(std::string file, time_t arrival)
{
    if (queue::postfix_kind(file) != queue::PostfixKind::None)
        return file;
    intake::SubmissionReader reader;
    reader.feed(file);
    TRY(auto submission, reader.envelope());
    if (!submission)
        return fail(ErrorKind::Invalid, "no envelope");
    std::string content;
    for (;;) {
        TRY(auto piece, reader.piece());
        if (!piece)
            break;
        content += *piece;
    }
    if (!reader.complete())
        return fail(ErrorKind::Invalid, "incomplete");
    queue::Envelope envelope;
    envelope.arrival_seconds = arrival;
    intake::fill_envelope(envelope, *submission);
    return queue::write_postfix_submission(envelope, content);
}

class Exporter {
public:
    Exporter(const config::Config& config, std::unique_ptr<queue::Store> store, const std::string& directory)
        : delay_warning_time_(config.get(param::delay_warning_time)), options_(server::queue_options(config)),
          target_(options_), store_(std::move(store)), reader_(options_)
    {
        target_.directory = directory;
    }

    Result<Exported> run()
    {
        TRY(write_everything());
        // From here on the messages are safe in the other place.
        TRY(sync_file_system(target_.directory));
        TRY(remove_what_was_exported());
        return counts_;
    }

private:
    struct Job {
        queue::MessageRef ref;
        QueueName to;
        WallTime when;
        std::uint64_t* count;
    };

    Result<void> write_everything();
    void export_message(const Job& job);
    Result<bool> write_message(const Job& job);
    Result<void> write_file(const std::string& path, std::string_view bytes, mode_t mode, WallTime when) const;
    void copy_reasons(const std::string& queue_id) const;
    void export_submission(const queue::WalkedFile& file);
    Result<void> remove_what_was_exported();
    [[nodiscard]] std::int64_t warn_at(const queue::Envelope& envelope) const;

    std::chrono::seconds delay_warning_time_;
    queue::QueueOptions options_;
    queue::QueueOptions target_;
    std::unique_ptr<queue::Store> store_;
    queue::Reader reader_;
    Exported counts_;
    std::vector<queue::MessageRef> done_;
    std::vector<std::string> submissions_done_;
};

Result<void> Exporter::write_everything()
{
    const WallTime now = std::chrono::system_clock::now();
    TRY(for_each_new(*store_, [&](const queue::LoadedMessage& message) {
        if (message.ref.queue == QueueName::Journal)
            export_message({message.ref, QueueName::Incoming, now, &counts_.journal});
    }));
    auto files = [&](QueueName from, QueueName to, std::uint64_t& count) {
        return store_->for_each_file(from, [&](const queue::FileEntry& entry) {
            export_message({{.queue = from, .queue_id = entry.queue_id}, to, entry.retry_at, &count});
        });
    };
    TRY(files(QueueName::Active, QueueName::Incoming, counts_.active));
    TRY(files(QueueName::Deferred, QueueName::Deferred, counts_.deferred));
    TRY(files(QueueName::Hold, QueueName::Hold, counts_.hold));
    return for_each_submission([this](const queue::WalkedFile& file) { export_submission(file); });
}

void Exporter::export_message(const Job& job)
{
    auto written = write_message(job);
    if (!written) {
        log::warning("{}: not exported: {}", job.ref.queue_id, written.error().text());
        ++counts_.failed;
        return;
    }
    if (*written)
        ++*job.count;
    done_.push_back(job.ref);
}

// False: nothing is owed for it any more.
Result<bool> Exporter::write_message(const Job& job)
{
    const std::string path = queue_file_path(target_, job.to, job.ref.queue_id);
    const std::string source = options_.directory + "/" + store_->path_of(job.ref.queue, job.ref.queue_id);
    if (job.ref.queue != QueueName::Journal && queue::is_postfix_queue_file(source)) {
        TRY(std::string bytes, read_file(source, largest_file));
        TRY(write_file(path, bytes, queue::mode_complete, job.when));
        copy_reasons(job.ref.queue_id);
        return true;
    }
    auto message = reader_.open(job.ref);
    if (!message && message.error().kind() == ErrorKind::NotFound)
        return false;
    if (!message)
        return fail(std::move(message).error());
    // One whose bounce is still owed is tried again: Postfix finds out by itself, and reports it.
    std::vector<std::size_t> recipients;
    for (std::size_t i = 0; i < message->envelope().recipients.size(); ++i)
        if (message->mark(i) == RecipientMark::Todo || message->mark(i) == RecipientMark::Bounced)
            recipients.push_back(i);
    if (recipients.empty() || !queue::is_live(message->message_mark()))
        return false;
    TRY(write_file(path,
                   queue::write_postfix_file(message->envelope(), recipients, message->facts(), message->content(),
                                             warn_at(message->envelope())),
                   queue::mode_complete, job.when));
    copy_reasons(job.ref.queue_id);
    return true;
}

// One that is due in the past was sent.
std::int64_t Exporter::warn_at(const queue::Envelope& envelope) const
{
    const std::int64_t due = envelope.arrival_seconds + delay_warning_time_.count();
    return delay_warning_time_.count() > 0 && due > ::time(nullptr) ? due : 0;
}

// The mode says that the file is complete, and comes last.
Result<void> Exporter::write_file(const std::string& path, std::string_view bytes, mode_t mode, WallTime when) const
{
    TRY(queue::make_parent_directories(target_.directory, path));
    const std::string full = target_.directory + "/" + path;
    if (::unlink(full.c_str()) != 0 && errno != ENOENT)  // left by an export that was cut off
        return fail_errno("unlink " + full);
    TRY(UniqueFd fd, open_file(full, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW));
    TRY(write_fully(fd.get(), bytes));
    const timespec times[2] = {queue::file_time(when), queue::file_time(when)};
    if (::futimens(fd.get(), times) != 0 || ::fchmod(fd.get(), mode) != 0)
        return fail_errno("change " + full);
    return {};
}

// The reasons that mailq shows. They are made again by the next attempt.
void Exporter::copy_reasons(const std::string& queue_id) const
{
    auto log = read_file(options_.directory + "/" + queue_file_path(options_, "defer", queue_id));
    if (!log)
        return;
    auto copied = write_file(queue_file_path(target_, "defer", queue_id), *log, queue::mode_incomplete,
                             std::chrono::system_clock::now());
    if (!copied)
        log::warning("{}: {}", queue_id, copied.error().text());
}

void Exporter::export_submission(const queue::WalkedFile& file)
{
    auto written = [&]() -> Result<void> {
        TRY(std::string bytes, read_file(file.path, largest_file));
        TRY(std::string submission, postfix_submission(std::move(bytes), file.status.st_mtime));
        return write_file(file.path, submission, mode_submission, queue::wall_time(file.status.st_mtim));
    }();
    if (!written) {
        log::warning("{}: not exported: {}", file.path, written.error().text());
        ++counts_.failed;
        return;
    }
    ++counts_.maildrop;
    submissions_done_.push_back(file.path);
}

Result<void> Exporter::remove_what_was_exported()
{
    for (const queue::MessageRef& ref : done_) {
        if (auto buried = store_->bury(ref); !buried) {
            log::warning("{}: exported, but still here: {}", ref.queue_id, buried.error().text());
            ++counts_.failed;
            continue;
        }
        for (std::string_view log : {"defer", "bounce", "trace"})
            ::unlink((options_.directory + "/" + queue_file_path(options_, log, ref.queue_id)).c_str());
    }
    for (const std::string& path : submissions_done_)
        if (::unlink(path.c_str()) != 0) {
            log::warning("{}: exported, but still here: {}", path, Error::system(errno, "unlink").text());
            ++counts_.failed;
        }
    return net::run_until_done(store_->upkeep());
}

Result<void> make_directory(const std::string& path, mode_t mode, const server::Identity* owner, gid_t group)
{
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return fail_errno("mkdir " + path);
    if (owner != nullptr && ::lchown(path.c_str(), owner->uid, group) != 0)
        return fail_errno("chown " + path);
    return ::chmod(path.c_str(), mode) == 0 ? Result<void>() : fail_errno("chmod " + path);
}

}  // namespace

Result<void> must_be_stopped(const config::Config& config)
{
    TRY(auto master, server::lock_holder(config.get(param::queue_directory) + "/" + server::master_pid_file));
    if (master)
        return fail(ErrorKind::Exists, "the mail system is running: stop it (postfix stop), then try again");
    return {};
}

Result<std::string> make_export_directory(const config::Config& config, const std::string& directory)
{
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::path path = fs::weakly_canonical(fs::absolute(directory, error), error);
    const fs::path queue = fs::weakly_canonical(config.get(param::queue_directory), error);
    if (error)
        return fail(ErrorKind::Invalid, directory + ": " + error.message());
    if (!path.lexically_relative(queue).string().starts_with(".."))
        return fail(ErrorKind::Invalid, directory + ": must not be in the queue directory");
    std::string root = path.string();
    if (::mkdir(root.c_str(), 0755) != 0 && errno != EEXIST)
        return fail_errno("mkdir " + root);
    std::optional<server::Identity> owner;
    gid_t submitters = 0;
    if (::geteuid() == 0) {
        TRY(owner, server::find_user(config.get(param::mail_owner)));
        TRY(submitters, server::find_group(config.get(param::setgid_group)));
    }
    const server::Identity* who = owner ? &*owner : nullptr;
    for (std::string_view name : own_directories)
        TRY(make_directory(root + "/" + std::string(name), 0700, who, static_cast<gid_t>(-1)));
    TRY(make_directory(root + "/maildrop", 0730, who, submitters));
    return root;
}

Result<Exported> export_queue(const config::Config& config, const std::string& directory)
{
    TRY(auto store, open_stopped(config));
    return Exporter(config, std::move(store), directory).run();
}

Result<std::uint64_t> messages_to_export(const config::Config& config)
{
    TRY(auto store, open_stopped(config));
    std::uint64_t count = 0;
    TRY(for_each_new(*store, [&](const queue::LoadedMessage& message) {
        count += message.ref.queue == QueueName::Journal ? 1U : 0U;
    }));
    for (QueueName queue : {QueueName::Active, QueueName::Deferred, QueueName::Hold})
        TRY(store->for_each_file(queue, [&](const queue::FileEntry& entry) {
            count += queue::is_postfix_queue_file(store->path_of(queue, entry.queue_id)) ? 0U : 1U;
        }));
    TRY(for_each_submission([&](const queue::WalkedFile& file) {
        auto beginning = read_file(file.path, largest_file);
        count += beginning && queue::postfix_kind(*beginning) != queue::PostfixKind::None ? 0U : 1U;
    }));
    return count;
}

SubmissionOwners submission_owners(const config::Config& config)
{
    SubmissionOwners owners;
    queue::QueueOptions options;
    options.directory = config.get(param::queue_directory);
    auto read = queue::for_each_file_below(options, name(QueueName::Maildrop), [&](const queue::WalkedFile& file) {
        owners.emplace(file.queue_id, file.status.st_uid);
    });
    if (!read)
        log::warning("{}", read.error().text());
    return owners;
}

void give_back_submissions(const std::string& directory, const SubmissionOwners& owners)
{
    for (const auto& [name, owner] : owners) {
        const std::string path = directory + "/maildrop/" + name;
        // The directory is the mail owner's: nothing but a file that was written just now may change hands.
        auto file = open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        struct stat status{};
        if (!file || ::fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1)
            continue;
        if (::fchown(file->get(), owner, static_cast<gid_t>(-1)) != 0)
            log::warning("{}", Error::system(errno, "chown " + path).text());
    }
}

}  // namespace posthaste::command::postsuper
