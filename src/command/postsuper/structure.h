// structure.h — postsuper -s: brings files of the queue to where they belong.
//
// hash_queue_names and hash_queue_depth decide about the directory. After they were changed, files lie where nobody
// looks for them. Nothing is ever overwritten or removed here.
#pragma once

#include "base/result.h"
#include "queue/options.h"

#include <cstdint>
#include <string>
#include <vector>

namespace posthaste::command::postsuper {

enum class Misplaced : std::uint8_t { Report, Move };

// directories: those that are looked at; none: all of them.
//
// Makes missing directories; removes those that moving left empty; reports files in wrong ones, and moves them if asked
// to. Each is logged. What vanishes meanwhile or cannot be read is left out.
Result<void> check_structure(const queue::QueueOptions& options, Misplaced misplaced,
                             const std::vector<std::string>& directories);

}  // namespace posthaste::command::postsuper
