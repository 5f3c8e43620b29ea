// queue_listing.cc — see queue_listing.h.
#include "server/queue_listing.h"

#include "ipc/attributes.h"
#include "net/endpoint.h"
#include "param/basics.h"
#include "param/services.h"
#include "server/patient_fork.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

namespace posthaste::server {

namespace {

constexpr std::chrono::seconds showq_patience{15};  // it says its name before it looks at the queue

Result<void> enter_queue(const config::Config& config)
{
    const std::string& directory = config.get(param::queue_directory);
    if (::chdir(directory.c_str()) != 0)
        return fail_errno("chdir " + directory);
    return {};
}

// Nobody accepts for as long as the service does not start.
Result<void> wait_for_announcement(int fd)
{
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    int count = 0;
    do
        count = ::poll(&ready, 1, std::chrono::duration_cast<std::chrono::milliseconds>(showq_patience).count());
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return fail_errno("poll");
    if (count == 0)
        return fail(ErrorKind::Timeout,
                    fmt::format("the showq service does not answer within {} seconds; the mail log has the reason, "
                                "'postfix check' may know it, too",
                                showq_patience.count()));
    return {};
}

}  // namespace

Result<QueueListing> QueueListing::of_running_system(const config::Config& config)
{
    TRY(enter_queue(config));
    TRY(net::Endpoint where, net::Endpoint::unix_path("public/" + config.get(param::showq_service_name)));
    UniqueFd stream(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!stream)
        return fail_errno("socket");
    if (::connect(stream.get(), where.data(), where.size()) != 0)
        return fail_errno("Connect to the Postfix showq service");
    TRY(wait_for_announcement(stream.get()));
    return QueueListing(std::move(stream));
}

Result<QueueListing> QueueListing::of_stopped_system(const config::Config& config)
{
    TRY(enter_queue(config));
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return fail_errno("pipe");
    UniqueFd in(ends[0]);
    UniqueFd out(ends[1]);
    const std::string program = config.get(param::daemon_directory) + "/showq";
    TRY(const pid_t child, fork_patiently(config));
    if (child == 0) {
        ::dup2(out.get(), STDOUT_FILENO);
        ::setenv("MAIL_CONFIG", config.directory().c_str(), 1);
        ::execl(program.c_str(), "showq", "-u", "-S", static_cast<char*>(nullptr));
        ::_exit(EX_UNAVAILABLE);
    }
    return QueueListing(std::move(in), child);
}

QueueListing::QueueListing(QueueListing&& other) noexcept
    : stream_(std::move(other.stream_)), child_(std::exchange(other.child_, -1)), buffer_(std::move(other.buffer_)),
      consumed_(other.consumed_), announced_(other.announced_), ended_(other.ended_)
{
}

QueueListing::~QueueListing()
{
    stream_.reset();
    if (child_ > 0)
        ::waitpid(child_, nullptr, 0);
}

Result<std::optional<QueuedMessage>> QueueListing::next()
{
    while (!ended_) {
        TRY(auto list, next_list());
        if (!list)
            return fail(ErrorKind::Closed, "the listing ends too early");
        if (list->size() == 1) {
            ended_ = true;
        } else if (!announced_) {
            announced_ = true;  // name and version of the protocol
        } else {
            TRY(QueuedMessage message, parse_queued_message(*list));
            return message;
        }
    }
    return std::nullopt;
}

// Valid until the next call; no value at the end of the stream.
Result<std::optional<std::string_view>> QueueListing::next_list()
{
    constexpr std::size_t piece = std::size_t{64} << 10;
    for (;;) {
        const std::string_view unread = std::string_view(buffer_).substr(consumed_);
        TRY(auto length, ipc::complete_list(unread));
        if (length) {
            consumed_ += *length;
            return unread.substr(0, *length);
        }
        buffer_.erase(0, consumed_);
        consumed_ = 0;
        const std::size_t kept = buffer_.size();
        buffer_.resize(kept + piece);
        const ssize_t got = ::read(stream_.get(), buffer_.data() + kept, piece);
        buffer_.resize(kept + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (got < 0 && errno != EINTR)
            return fail_errno("read");
        if (got == 0)
            return std::nullopt;
    }
}

}  // namespace posthaste::server
