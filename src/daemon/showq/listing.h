// listing.h — one message of the queue after the other, wherever it is.
//
// maildrop/, deferred/ and hold/ are files that are read here; what is active or waits in the journal is asked of the
// queue manager, or read from the journal while none runs. A message that moves meanwhile may be seen twice or not
// at all, as with every listing of a living queue. Memory is bounded by the active queue.
#pragma once

#include "base/result.h"
#include "daemon/qmgr/control_protocol.h"
#include "net/task.h"
#include "queue/options.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace posthaste::showq {

struct ListedRecipient {
    std::string address;
    std::string reason;     // why it was put off; empty if it was not tried yet
    std::string transport;  // that tried it last; empty if that is not known
};

struct ListedMessage {
    std::string queue_name;
    std::string queue_id;
    std::int64_t arrival_time = 0;  // seconds since the epoch
    std::uint64_t size = 0;         // bytes as Postfix counts them
    bool forced_expire = false;
    std::string sender;
    std::vector<ListedRecipient> recipients;  // those that are not done
    std::int64_t next_retry = 0;              // seconds since the epoch; 0: none is set
};

enum class QueueManager : std::uint8_t { Running, Down };

// Lives for one listing; the working directory is the queue directory.
class Listing {
public:
    Listing(queue::QueueOptions options, QueueManager manager, std::string manager_socket)
        : options_(std::move(options)), manager_(manager), manager_socket_(std::move(manager_socket))
    {
    }

    // The next message; no value at the end. An error: the queue could not be read.
    Task<Result<std::optional<ListedMessage>>> next();

private:
    enum class Part : std::uint8_t { Start, Files, Done };

    Task<Result<void>> ask_queue_manager();
    Task<Result<void>> read_journal();
    void find_files();
    void find_files(const std::string& queue_name);
    [[nodiscard]] std::optional<ListedMessage> read_file(const std::string& queue_name, const std::string& path) const;
    [[nodiscard]] std::optional<ListedMessage> read_postfix_file(const std::string& queue_name,
                                                                 const std::string& path) const;
    [[nodiscard]] std::optional<ListedMessage> read_maildrop(const std::string& path_in_queue) const;
    void add_reasons(ListedMessage& message) const;

    struct File {
        std::string queue_name;
        std::string path;  // below the queue directory
    };

    queue::QueueOptions options_;
    QueueManager manager_;
    std::string manager_socket_;
    Part part_ = Part::Start;
    std::deque<ListedMessage> ready_;  // from the queue manager or the journal
    std::deque<File> files_;
};

}  // namespace posthaste::showq
