// selection.h — which messages of the queue are meant: postqueue --to, --from, --reason and --older-than.
//
// Several options of one kind mean any of them, options of different kinds all of them. A message is taken as a whole:
// with --to and --reason, one of its recipients has to fit both.
#pragma once

#include "server/queue_listing.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::command::postqueue {

// A pattern for an address: user@domain, or domain alone, for everybody there; case is ignored, and *, ? and [...]
// are wildcards as in file names. <>, and nothing at all, is the null sender.
bool fits_address(std::string_view pattern, std::string_view address);

struct Selection {
    std::vector<std::string> to;
    std::vector<std::string> from;
    std::vector<std::string> reasons;  // parts of the delay reason, case ignored
    std::optional<std::chrono::seconds> older_than;

    [[nodiscard]] bool takes_all() const;
    // now: seconds since the epoch.
    [[nodiscard]] bool takes(const server::QueuedMessage& message, std::int64_t now) const;
    [[nodiscard]] bool takes(const server::QueuedRecipient& recipient) const;
};

}  // namespace posthaste::command::postqueue
