// smtp_source.h — smtp-source(1): a load generator that speaks SMTP or LMTP.
//
// One process, one thread: each session is a coroutine of the event loop. It must not be what is measured, so that a
// message costs little more than its system calls: one write for header and body, one read a reply, and with
// --pipelining one write and one read for a whole message.
#pragma once

namespace posthaste::command::smtp_source {

// Exit status: 0; 1 after a message that begins with "smtp-source: fatal: ".
int run(int argc, char** argv);

}  // namespace posthaste::command::smtp_source
