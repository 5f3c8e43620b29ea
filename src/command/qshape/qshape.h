// qshape.h — qshape(1): the distribution of the queue over domains and ages, as a table.
#pragma once

namespace posthaste::command::qshape {

// Exit status 0; 255 for a bad command line, as Postfix's has it; 1 after a line that begins with "qshape: fatal: ",
// and when a queue could not be read. What could be read is shown.
int run(int argc, char** argv);

}  // namespace posthaste::command::qshape
