// structure.h — postsuper -s: brings files of the queue to where they belong.
//
// hash_queue_names and hash_queue_depth decide about the directory. After they were changed, files lie where nobody
// looks for them. Nothing is ever overwritten or removed here.
#pragma once

#include "base/result.h"
#include "queue/options.h"

#include <cstdint>

namespace posthaste::command::postsuper {

enum class Misplaced : std::uint8_t { Report, Move };

// Makes missing directories; reports files in wrong ones, and moves them if asked to. Each is logged. What vanishes
// meanwhile or cannot be read is left out.
Result<void> check_structure(const queue::QueueOptions& options, Misplaced misplaced);

}  // namespace posthaste::command::postsuper
