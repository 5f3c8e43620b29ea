// delivery.h — delivery into an mbox file or a maildir, by a process that has become the mailbox's owner already.
//
// Both return only after the data (and, for a maildir, its directory) has been synced: the queue's mark follows, and
// after it the message may be gone from the queue. A failed mbox delivery leaves the file as it was.
#pragma once

#include "dsn/outcome.h"
#include "mailbox/content.h"
#include "mailbox/lock.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace posthaste::mailbox {

struct MboxOptions : LockOptions {
    std::int64_t size_limit = 0;  // bytes of the whole file; 0: none
    bool require_owner = true;    // strict_mailbox_ownership: the file must belong to this process's user

    // How long a delivery may take: twice the time that the locks may take, and then some for the disk.
    [[nodiscard]] std::chrono::seconds time_limit() const { return patience() * 2 + std::chrono::seconds(600); }
};

struct Delivery {
    std::string path;
    std::string from_line;     // mbox only
    std::string headers;       // delivery_headers()
    std::string_view content;  // wire form
    std::string user;          // for messages: "cannot update mailbox <path> for user <user>. <why>"
};

// Into a maildir if the path ends in '/', else into an mbox.
dsn::Outcome deliver(const Delivery& delivery, const MboxOptions& options, std::string_view host_name);
dsn::Outcome deliver_to_mbox(const Delivery& delivery, const MboxOptions& options);
// The path ends in '/'; tmp, new and cur are made where they are missing. size_limit: of one message; 0: none.
dsn::Outcome deliver_to_maildir(const Delivery& delivery, std::int64_t size_limit, std::string_view host_name);

}  // namespace posthaste::mailbox
