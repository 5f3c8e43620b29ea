// postsuper.h — postsuper(1): the administrator's changes to messages in the queue.
//
// While the queue manager runs, it makes them (queue_access.h), so that no message is changed under a delivery;
// while none runs, this process takes the queue over for the time it needs.
#pragma once

namespace posthaste::command::postsuper {

// Exit status 0, or 1 after a line that begins with "postsuper: fatal: ". Ids that are not found are no error.
int run(int argc, char** argv);

}  // namespace posthaste::command::postsuper
