// Open-file-description locks: who may touch a message or a segment. One byte stands for each.
//
// A lock belongs to the open file (not to the process) and is gone when its last descriptor is closed, also when
// the process is killed. Locks of one descriptor do not exclude each other: a process that takes the same byte
// twice must count for itself.
#pragma once

#include "base/result.h"

#include <cstdint>

namespace posthaste::queue {

enum class LockMode : std::uint8_t { Shared, Exclusive };

// Takes the lock on one byte without waiting. False: another open file holds a conflicting one.
Result<bool> try_lock_range(int fd, std::uint64_t offset, LockMode mode);
// Waits for it: only for locks that are held for microseconds (the id counter).
Result<void> lock_range_wait(int fd, std::uint64_t offset, LockMode mode);
void unlock_range(int fd, std::uint64_t offset);
// Whether another open file holds a lock that conflicts with an exclusive one. True also when that cannot be told.
bool is_locked_by_other(int fd, std::uint64_t offset, std::uint64_t count = 1);

}  // namespace posthaste::queue
