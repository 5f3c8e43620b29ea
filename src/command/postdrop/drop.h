// postdrop(1): a small set-gid program between a user and the maildrop directory.
//
// It is the only program that may write there; its caller controls the arguments, the environment, the limits, the
// open files and every byte of the input. So the environment is thrown away, the configuration directory must be one
// that the default main.cf allows, and what is written is checked piece by piece (intake/maildrop.h), never
// longer than message_size_limit allows, and never in a name that local_login_sender_maps keeps from the caller. A file
// is complete, synced and durable before the exit status says 0.
//
// Input: intake/maildrop.h. Output: one line, "ok <file name>" or "<exit status> <reason>".
#pragma once

namespace posthaste::command::postdrop {

int run(int argc, char** argv);

}  // namespace posthaste::command::postdrop
