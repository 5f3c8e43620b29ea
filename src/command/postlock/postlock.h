// postlock.h — postlock(1): for scripts that change a mailbox beside local(8), with the locks that local(8) takes.
//
// The locks are held by this process; the command is its child. Signals that are sent to this process go on to the
// child, so that no lock file is left behind.
#pragma once

namespace posthaste::command::postlock {

// The exit status of the command; 1 if a signal ended it or it could not be run; 75 if there is no lock, or for a bad
// command line.
int run(int argc, char** argv);

}  // namespace posthaste::command::postlock
