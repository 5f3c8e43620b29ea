// The locks that say that a mail system is running on this queue: flock(2) on pid/master.pid below the queue
// directory and on master.lock in data_directory. The lock counts, never the file: one that a crash left behind
// prevents nothing.
#pragma once

#include "base/fd.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <sys/types.h>

namespace posthaste::server {

inline constexpr const char* master_pid_file = "pid/master.pid";  // below queue_directory
inline constexpr const char* master_lock_file = "master.lock";    // below data_directory

// Takes the lock and writes this process's id into the file. Exists: another process holds it.
Result<UniqueFd> lock_exclusively(const std::string& path);
// The process that holds the lock; nothing if it is free or there is no file. Denied, Io: cannot tell.
Result<std::optional<pid_t>> lock_holder(const std::string& path);

}  // namespace posthaste::server
