// listing.h — everything that is in the queue, wherever it is, in the form of showq's stream.
//
// incoming/, maildrop/, deferred/ and hold/ are files that are read here, on several threads and some hundred at a
// time; what is active or waits in the journal is asked of the queue manager, or read from the journal while none runs.
// A message that moves meanwhile may be seen twice or not at all, as with every listing of a living queue. Memory is
// bounded by the active queue.
#pragma once

#include "base/result.h"
#include "daemon/qmgr/control_protocol.h"
#include "net/task.h"
#include "net/tasks.h"
#include "queue/directory_walk.h"
#include "queue/options.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

namespace posthaste::showq {

enum class QueueManager : std::uint8_t { Running, Down };

// Lives for one listing; the working directory is the queue directory. Loop's thread only.
class Listing {
public:
    Listing(queue::QueueOptions options, QueueManager manager, std::string manager_socket)
        : options_(std::make_shared<const queue::QueueOptions>(std::move(options))), manager_(manager),
          manager_socket_(std::move(manager_socket))
    {
    }

    // Some messages, in the form of the stream; empty at the end. An error: the queue could not be read.
    Task<Result<std::string>> next();

private:
    struct Piece {
        std::string text;
        net::Event read;
    };

    Task<Result<void>> begin();
    Task<Result<void>> ask_queue_manager();
    Task<Result<void>> read_journal();
    void read_ahead();
    void read(const std::shared_ptr<Piece>& piece, std::vector<queue::WalkedFile> files);

    std::shared_ptr<const queue::QueueOptions> options_;
    QueueManager manager_;
    std::string manager_socket_;
    bool begun_ = false;
    std::string ready_;                     // from the queue manager or the journal
    std::unordered_set<std::string> told_;  // by the queue manager: what is put off meanwhile is told once
    std::deque<std::string> queues_;        // that are still to be walked
    std::string walked_queue_;
    std::unique_ptr<queue::FileWalk> walk_;
    Result<void> all_read_;                      // or the first error of a walk
    std::deque<std::shared_ptr<Piece>> pieces_;  // in the order in which they are told
};

}  // namespace posthaste::showq
