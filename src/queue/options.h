// What the queue library needs to know from the configuration. Filled from Config by server/queue_options.h, so
// that this library does not depend on src/config.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace posthaste::queue {

struct QueueOptions {
    std::string directory = ".";                      // queue_directory; daemons have it as working directory
    std::uint64_t segment_size = 32 << 20;            // queue_journal_segment_size, bytes, multiple of 4096, >= 256 KiB
    std::uint64_t journal_message_limit = 128 << 10;  // queue_journal_message_limit, bytes of content
    std::uint32_t reserve_segments = 2;               // queue_journal_reserve
    bool long_queue_ids = false;                      // enable_long_queue_ids
    std::vector<std::string> hashed_queues{"deferred", "defer"};  // hash_queue_names
    unsigned hash_depth = 1;                                      // hash_queue_depth
    std::uint64_t min_free_bytes = 0;                             // queue_minfree
};

}  // namespace posthaste::queue
