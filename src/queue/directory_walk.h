// directory_walk.h — the files of messages below a directory of the queue, wherever hashing put them.
//
// The directories are those of the queue (deferred, hold, ...), of bounce(8)'s logs (defer, bounce, trace) and
// maildrop. All subdirectories are visited, whatever hash_queue_names and hash_queue_depth say now, because files made
// under other settings count, too. queue_file_path() says where a file belongs. No file is opened.
#pragma once

#include "base/result.h"
#include "queue/options.h"

#include <functional>
#include <string>
#include <string_view>
#include <sys/stat.h>

namespace posthaste::queue {

// Valid during the callback.
struct WalkedFile {
    std::string queue_id;  // its name
    std::string path;      // below the queue directory: "deferred/A/A1B2C3..."
    struct stat status{};
};

// Calls back for each regular file that is named like a message. A directory that does not exist has none, and a file
// that vanishes meanwhile is left out. What cannot be read does not keep the rest from being visited: the first error
// is returned at the end.
Result<void> for_each_file_below(const QueueOptions& options, std::string_view directory,
                                 const std::function<void(const WalkedFile&)>& callback);

}  // namespace posthaste::queue
