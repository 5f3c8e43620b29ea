// The files of one service below bounce/, defer/ or trace/, one per queue id, in the format of dsn/delivery_log.h.
//
// What is durable follows the contract (protocol.h): appending to a bounce or trace log returns after the record and
// the file's name would survive a power cut; defer logs are written and not synced. Writing and syncing block, so
// they run on the thread pool. Queue ids come from other processes: they are checked before they become paths.
#pragma once

#include "base/result.h"
#include "dsn/delivery_log.h"
#include "net/task.h"
#include "queue/options.h"

#include <cstdint>
#include <string>
#include <vector>

namespace posthaste::bounce {

enum class Durability : std::uint8_t { Synced, Advisory };

// One a process; keeps no files open.
class LogStore {
public:
    // directory: "bounce", "defer" or "trace" below the working directory.
    LogStore(queue::QueueOptions options, std::string directory, Durability durability)
        : options_(std::move(options)), directory_(std::move(directory)), durability_(durability)
    {
    }

    Task<Result<void>> append(std::string queue_id, std::vector<dsn::DeliveryRecord> records) const;
    // Empty when there is no log.
    Result<std::vector<dsn::DeliveryRecord>> read(const std::string& queue_id) const;
    // No log is no error.
    Result<void> remove(const std::string& queue_id) const;

private:
    [[nodiscard]] Result<std::string> path_of(const std::string& queue_id) const;

    queue::QueueOptions options_;
    std::string directory_;
    Durability durability_;
};

}  // namespace posthaste::bounce
