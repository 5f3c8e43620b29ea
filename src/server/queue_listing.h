// queue_listing.h — every message of the queue, one after the other, for commands: showq(8)'s stream read by a client.
//
// While the mail system runs, showq is asked over its public socket; while it does not, a showq of our own reads the
// queue and takes the scheduler's lock for that time. The stream is read as it comes: memory does not grow with the
// queue.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "config/config.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace posthaste::server {

struct QueuedRecipient {
    std::string address;
    std::string reason;     // why it was put off; empty if it was not tried yet
    std::string transport;  // that tried it last; empty if that is not known
};

struct QueuedMessage {
    std::string queue_name;
    std::string queue_id;
    std::int64_t arrival_time = 0;  // seconds since the epoch
    std::uint64_t size = 0;
    bool forced_expire = false;
    std::string sender;
    std::vector<QueuedRecipient> recipients;  // those that are not done
    std::int64_t next_retry = 0;              // seconds since the epoch; 0: no time is set (active, on hold, ...)
};

// One message of the stream (showq, service.h): an attribute list. Invalid: it is cut off.
Result<QueuedMessage> parse_queued_message(std::string_view list);

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
