// queue_listing.h — every message of the queue, one after the other, for commands: showq(8)'s stream read by a client.
//
// While the mail system runs, showq is asked over its public socket; while it does not, a showq of our own reads the
// queue and takes the scheduler's lock for that time. The stream is read as it comes: memory does not grow with the
// queue.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "config/config.h"
#include "server/queued_message.h"

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace posthaste::server {

// Blocking; for one thread. Must be read to its end, or the rest is thrown away.
class QueueListing {
public:
    // Both make queue_directory the working directory. Errors: nobody listens; the directory cannot be entered.
    static Result<QueueListing> of_running_system(const config::Config& config);
    static Result<QueueListing> of_stopped_system(const config::Config& config);
    QueueListing(QueueListing&& other) noexcept;
    QueueListing& operator=(QueueListing&&) = delete;
    ~QueueListing();

    // No value at the end. Closed: the stream ended before the listing did, so that messages are missing.
    Result<std::optional<QueuedMessage>> next();

private:
    explicit QueueListing(UniqueFd stream, pid_t child = -1) : stream_(std::move(stream)), child_(child) {}
    Result<std::optional<std::string_view>> next_list();

    UniqueFd stream_;
    pid_t child_;
    std::string buffer_;
    std::size_t consumed_ = 0;
    bool announced_ = false;
    bool ended_ = false;
};

}  // namespace posthaste::server
