// turns.h — deliveries of this process to the same mbox take turns.
//
// Who finds a mailbox locked looks again after deliver_lock_delay, a second by default: two deliveries that meet cost
// the second one a second, and a process that is forked only to wait. So those of one process wait here, before they
// fork. The locks (lock.h) still decide: other programs lock the same file, and it may have several names.
#pragma once

#include "net/loop.h"
#include "net/task.h"
#include "net/tasks.h"

#include <map>
#include <memory>
#include <string>

namespace posthaste::mailbox {

// Life time: any; a turn may outlive it. Loop's thread only. It remembers only the mailboxes that somebody uses.
class Turns {
    // By path; expired: nobody uses the mailbox.
    using Mailboxes = std::map<std::string, std::weak_ptr<net::Semaphore>>;

public:
    // The next delivery may begin when this one's turn has been destroyed.
    class Turn {
    public:
        Turn() = default;
        Turn(Turn&& other) noexcept = default;
        Turn& operator=(Turn&& other) = delete;
        ~Turn();

    private:
        friend class Turns;
        std::shared_ptr<Mailboxes> mailboxes_;
        std::shared_ptr<net::Semaphore> mailbox_;  // none: moved away, or a turn that nobody waits for
        std::string path_;
        bool taken_ = false;
    };

    // At once for a maildir, which needs no lock. When the deadline passes first the delivery goes ahead, too: the
    // mailbox's lock will tell.
    Task<Turn> take(std::string path, net::Deadline deadline);
    // Mailboxes that somebody uses or waits for.
    [[nodiscard]] std::size_t mailboxes() const { return mailboxes_->size(); }

private:
    std::shared_ptr<Mailboxes> mailboxes_ = std::make_shared<Mailboxes>();
};

}  // namespace posthaste::mailbox
