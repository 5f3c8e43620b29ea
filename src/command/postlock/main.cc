// postlock(1): runs a command while a mailbox file is locked.
#include "command/postlock/postlock.h"

int main(int argc, char** argv) { return posthaste::command::postlock::run(argc, argv); }
