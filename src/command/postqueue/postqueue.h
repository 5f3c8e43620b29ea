// postqueue.h — postqueue(1): the queue as mailq prints it, as JSON, and requests to the queue manager.
#pragma once

namespace posthaste::command::postqueue {

// Exit status: 0, or a code of sysexits.h after a message that begins with "postqueue: fatal: ".
int run(int argc, char** argv);

}  // namespace posthaste::command::postqueue
