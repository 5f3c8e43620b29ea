// structure.h — where files of the queue belong, and postsuper -s, which brings them there.
//
// hash_queue_names and hash_queue_depth decide about the directory. After they were changed, files lie where nobody
// looks for them. Nothing is ever overwritten or removed here.
#pragma once

#include "base/result.h"
#include "queue/options.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace posthaste::command::postsuper {

// "<queue directory>/deferred/A/A1B2C3..."; also for the logs of bounce(8): defer, bounce, trace.
std::string path_in_queue(const queue::QueueOptions& options, std::string_view queue_name, const std::string& queue_id);

// Calls back with path and name for each file below the directory that is named like a message. What vanishes
// meanwhile or cannot be read is left out.
void for_each_queue_file(const std::string& directory,
                         const std::function<void(const std::string& path, std::string queue_id)>& callback);

enum class Misplaced : std::uint8_t { Report, Move };

// Makes missing directories; reports files in wrong ones, and moves them if asked to. Each is logged.
Result<void> check_structure(const queue::QueueOptions& options, Misplaced misplaced);

}  // namespace posthaste::command::postsuper
