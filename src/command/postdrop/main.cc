// postdrop(1): takes one message from standard input and leaves it in maildrop/ for pickup(8).
#include "command/postdrop/drop.h"

int main(int argc, char** argv) { return posthaste::command::postdrop::run(argc, argv); }
