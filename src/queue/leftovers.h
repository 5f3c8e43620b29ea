// leftovers.h — queue files that their writer did not live to complete: nobody was told 250 for them, or the journal
// has the message.
#pragma once

#include "queue/message_ref.h"
#include "queue/options.h"

#include <string>

namespace posthaste::queue {

// Removes the file if it is incomplete, nobody has it locked, and nobody wrote to it for ten seconds; that is said in
// the log. A file that has just been created is so given time to be locked.
void remove_if_left_behind(const std::string& path);

// The same for all files of a queue (postsuper -p).
Result<void> remove_left_behind(const QueueOptions& options, QueueName queue);

}  // namespace posthaste::queue
