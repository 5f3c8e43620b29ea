// pickup(8), see service.h.
#include "daemon/pickup/service.h"

#include "base/fd.h"
#include "daemon/pickup/maildrop_file.h"
#include "intake/missing_headers.h"
#include "intake/refusal_notice.h"
#include "intake/service_config.h"
#include "intake/whole_lines.h"
#include "log/events_pickup.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/smtpd.h"
#include "queue/directory_walk.h"
#include "queue/queue_id.h"
#include "server/queue_options.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <utility>
#include <vector>

namespace posthaste::pickup {

namespace {

constexpr const char* maildrop = "maildrop";
// How long a sweep waits for one of the files under way before it leaves the rest to the next wake-up.
constexpr std::chrono::minutes patience{10};

// The files that postdrop has finished: executable by their owner.
Result<std::vector<std::string>> complete_files()
{
    // What cannot be removed must not be taken, or it would be taken again and again.
    if (::access(maildrop, W_OK | X_OK) != 0)
        return fail_errno(std::string("use directory ") + maildrop);
    std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(maildrop), ::closedir);
    if (!listing)
        return fail_errno(std::string("open directory ") + maildrop);
    std::vector<std::string> names;
    for (;;) {
        auto entry = queue::read_entry(listing.get(), maildrop);
        if (!entry)
            log::warning("{}", entry.error().text());  // what was found is worth taking
        if (!entry || *entry == nullptr)
            break;
        const char* name = (*entry)->d_name;
        struct ::stat facts{};
        if (queue::is_queue_id(name) && ::fstatat(::dirfd(listing.get()), name, &facts, AT_SYMLINK_NOFOLLOW) == 0 &&
            (facts.st_mode & S_IXUSR))
            names.emplace_back(name);
    }
    std::ranges::sort(names);
    return names;
}

// Collects the header for a message that may have to be returned: up to its empty line, and to a limit.
void keep_header(std::string& header, std::string_view piece)
{
    constexpr std::size_t most_header = std::size_t{100} << 10;
    if (header.ends_with("\r\n\r\n") || header.size() >= most_header)
        return;
    header += piece.substr(0, most_header);
    if (std::size_t end = header.find("\r\n\r\n"); end != std::string::npos)
        header.resize(end + 4);
}

// The header without its empty line, ending with a line end.
std::string without_end(std::string header)
{
    if (header.ends_with("\r\n\r\n"))
        header.resize(header.size() - 2);
    else if (!header.ends_with("\r\n"))
        header += "\r\n";
    return header;
}

// The file itself is wrong, and will be the next time; an error of the system may pass.
bool is_damage(const Error& error)
{
    return error.kind() == ErrorKind::Invalid || error.kind() == ErrorKind::Corrupt || error.kind() == ErrorKind::Limit;
}

}  // namespace

Result<void> Service::before_jail()
{
    overrides_ = intake::receive_overrides(*context_.config);
    TRY(auto config, intake::load_service_config(*context_.config));
    TRY(pipeline_, intake::Pipeline::open(std::move(config)));
    return {};
}

Result<void> Service::after_jail()
{
    return pipeline_->start(server::queue_options(*context_.config), server::queue_manager_socket(*context_.config));
}

Task<void> Service::trigger(char)
{
    if (!std::exchange(sweep_wanted_, true) && !sweeping_)
        tasks_.start(sweep());
    co_return;
}

Task<void> Service::leaving()
{
    static_cast<void>(co_await tasks_.join(net::Deadline::after(std::chrono::seconds(10))));
}

// Tries each file of the directory once, so that one that has to stay holds up nobody; what comes in meanwhile wakes
// up for another round.
Task<void> Service::sweep()
{
    sweeping_ = true;
    while (std::exchange(sweep_wanted_, false)) {
        auto names = complete_files();
        if (!names) {
            log::warning("{}", names.error().text());
            break;
        }
        for (std::string& name : *names) {
            if (!co_await room_.acquire(net::Deadline::after(patience)))
                break;
            if (context_.leaving() != server::Leaving::No || pipeline_->broken()) {
                room_.release();
                break;
            }
            if (under_way_.insert(name).second)
                tasks_.start(take(std::move(name)));
            else
                room_.release();
        }
    }
    sweeping_ = false;
}

Task<void> Service::take(std::string name)
{
    std::string path = std::string(maildrop) + "/" + name;
    After after = After::KeepForLater;
    auto file = open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    struct ::stat facts{};
    if (!file) {
        // A symbolic link is nothing that postdrop writes; a file that is gone was taken by another pickup.
        if (::lstat(path.c_str(), &facts) == 0) {
            log::warning("{}", file.error().text());
            after = S_ISLNK(facts.st_mode) ? After::SetAside : After::KeepForLater;
        }
    } else if (::fstat(file->get(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_nlink == 1) {
        after = co_await feed(name, std::move(*file), facts);
    } else {
        log::warning("{}: not a regular file with one name", path);
        after = After::SetAside;
    }
    if (finish_file(name, after))
        under_way_.erase(name);
    if (pipeline_->broken())
        context_.leave();
    room_.release();
}

intake::Accepted<intake::Message> Service::begin(const intake::Submission& submission, const struct ::stat& facts)
{
    auto begun = pipeline_->begin(
        {.origin = queue::Origin::Sendmail,
         .context = submission.relayed ? intake::RewriteContext::Remote : intake::RewriteContext::Local,
         .client = {.name = "localhost", .address = "127.0.0.1", .protocol = "sendmail"},
         .map_addresses = !overrides_.no_address_mappings,
         .inspect_content = !overrides_.no_header_body_checks});
    if (!begun)
        return begun;
    queue::Envelope& envelope = begun->envelope();
    envelope.filter = context_.config->get(param::content_filter);
    intake::fill_envelope(envelope, submission);
    // The file's time is when the user handed the message in; delays count from there.
    if (facts.st_mtim.tv_sec <= envelope.arrival_seconds) {
        envelope.arrival_seconds = facts.st_mtim.tv_sec;
        envelope.arrival_microseconds = static_cast<std::uint32_t>(facts.st_mtim.tv_nsec / 1000);
    }
    return begun;
}

Task<Service::After> Service::feed(std::string name, UniqueFd file, struct ::stat facts)
{
    auto set_aside = [&name](std::string_view why) {
        log::warning("{}/{}: {}: message saved in the corrupt directory", maildrop, name, why);
        return After::SetAside;
    };
    auto unreadable = [&](const Error& error) {
        if (is_damage(error))
            return set_aside(error.text());
        log::warning("{}/{}: {}", maildrop, name, error.text());
        return After::KeepForLater;
    };
    MaildropFile dropped(std::move(file));
    auto submission = dropped.envelope();
    if (!submission)
        co_return unreadable(submission.error());
    auto message = begin(*submission, facts);
    if (!message) {
        log::warning("{}/{}: {}", maildrop, name, message.error().detail);
        co_return After::KeepForLater;
    }
    log::picked_up(message->queue_id(), facts.st_uid, submission->sender);
    const config::Config& config = pipeline_->config();
    message->add_own_headers(intake::received_line(
        config.get(param::myhostname), fmt::format("{}, from userid {}", config.get(param::mail_name), facts.st_uid),
        message->envelope()));

    intake::WholeLines lines(*message);
    std::string header;
    for (;;) {
        auto piece = dropped.piece();
        if (!piece)
            co_return unreadable(piece.error());
        if (!*piece)
            break;
        lines.add(**piece);
        keep_header(header, **piece);
        if (message->unsettled())
            co_await message->settle();
    }
    lines.finish();
    intake::Refused refused{.queue_id = message->queue_id(),
                            .arrival_seconds = message->envelope().arrival_seconds,
                            .arrival_microseconds = message->envelope().arrival_microseconds,
                            .sender = submission->sender,
                            .recipients = {},
                            .header = without_end(std::move(header)),
                            .rejection = {}};
    auto finished = co_await message->finish();
    if (finished)
        co_return After::Remove;
    if (finished.error().fault == intake::Rejection::Fault::System)
        co_return After::KeepForLater;
    if (refused.sender.empty())
        co_return set_aside(finished.error().text);
    for (const intake::SubmittedRecipient& given : submission->recipients)
        refused.recipients.push_back(given.address);
    refused.rejection = std::move(finished.error());
    auto returned = co_await intake::return_to_sender(pipeline_.get(), std::move(refused));
    co_return returned ? After::Remove : After::KeepForLater;
}

bool Service::finish_file(const std::string& name, After after)
{
    std::string path = std::string(maildrop) + "/" + name;
    if (after == After::Remove && ::unlink(path.c_str()) != 0 && errno != ENOENT) {
        log::warning("{}", Error::system(errno, "remove " + path).text());
        return false;
    }
    if (after == After::SetAside && ::rename(path.c_str(), ("corrupt/" + name).c_str()) != 0) {
        log::warning("{}", Error::system(errno, "move " + path + " to corrupt/").text());
        return false;
    }
    return true;
}

}  // namespace posthaste::pickup
