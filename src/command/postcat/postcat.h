// postcat.h — postcat(1): the envelope and the content of messages in the queue, in Postfix's layout.
//
// Reads without any lock: mail moves on meanwhile, and nothing waits for postcat.
#pragma once

namespace posthaste::command::postcat {

// Exit status 0, or 1 after a line that begins with "postcat: fatal: ".
int run(int argc, char** argv);

}  // namespace posthaste::command::postcat
