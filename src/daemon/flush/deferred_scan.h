// deferred_scan.h — which deferred messages wait for a recipient at one of some sites: one pass over deferred/.
//
// Every file is opened and its envelope read, some hundred files at a time, so that whoever runs the pass on a helper
// thread can do something with what was found, or stop, in between. A message that comes to deferred/ meanwhile may
// be found or not.
#pragma once

#include "daemon/flush/sites.h"
#include "queue/directory_walk.h"
#include "queue/options.h"

#include <cstddef>
#include <string>
#include <vector>

namespace posthaste::flush {

// Lives for one pass. One thread at a time; a different one each time is fine. Blocks.
class DeferredScan {
public:
    DeferredScan(queue::QueueOptions options, Sites sites);

    struct Slice {
        std::vector<std::string> queue_ids;
        bool is_last = false;
    };
    Slice next();

    // The first error of the walk: what could not be read was left out. Known after the last slice.
    [[nodiscard]] const Result<void>& result() const { return walk_.result(); }

private:
    [[nodiscard]] bool waits_for_a_site(const std::string& path) const;

    queue::QueueOptions options_;
    Sites sites_;
    queue::FileWalk walk_;
};

}  // namespace posthaste::flush
