// smtp_sink.h — smtp-sink(1): a server that speaks SMTP or LMTP, keeps nothing, and misbehaves on demand.
//
// One process, one thread: each client is a coroutine of the event loop. It must not be what is measured, so that a
// message costs little more than its system calls; of content it looks for nothing but the end.
#pragma once

namespace posthaste::command::smtp_sink {

// Exit status: 0; 1 after a message that begins with "smtp-sink: fatal: ", and when --check finds something missing.
int run(int argc, char** argv);

}  // namespace posthaste::command::smtp_sink
