// lock.h — exclusive access to a mailbox file, as other mail programs on the machine understand it.
//
// Which methods are used, and how long one is waited for, says the administrator (postconf(5) mailbox_delivery_lock,
// deliver_lock_attempts, deliver_lock_delay, stale_lock_time). fcntl locks belong to a process: it must not close
// another descriptor of the file meanwhile.
#pragma once

#include "base/result.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::mailbox {

enum class LockMethod : std::uint8_t { Fcntl, Flock, Dotlock };
// "fcntl, dotlock" (postconf(5) mailbox_delivery_lock). Invalid: an unknown word.
Result<std::vector<LockMethod>> parse_lock_methods(std::string_view text);

struct LockOptions {
    std::vector<LockMethod> locks{LockMethod::Fcntl, LockMethod::Dotlock};
    int lock_attempts = 20;
    std::chrono::seconds lock_delay{1};
    std::chrono::seconds stale_lock{500};

    // How long somebody who locks is given, for each method.
    [[nodiscard]] std::chrono::seconds patience() const { return lock_attempts * lock_delay; }
};

// Holds the locks on one file. The file's descriptor is the caller's and is closed by it, later than this object goes.
class MailboxLock {
public:
    MailboxLock() = default;
    ~MailboxLock();
    MailboxLock(const MailboxLock&) = delete;
    MailboxLock& operator=(const MailboxLock&) = delete;

    // All methods, in their order. Blocks for attempts times delay at most, for each. Temporary: somebody else has it.
    Result<void> take(int fd, const std::string& path, const LockOptions& options);

private:
    Result<void> make_lock_file(const std::string& path, const LockOptions& options);

    std::string lock_file_;  // to be removed; empty: none was made
};

}  // namespace posthaste::mailbox
