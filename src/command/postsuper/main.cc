// postsuper(1): removes, holds, releases and requeues messages.
#include "command/postsuper/postsuper.h"

int main(int argc, char** argv) { return posthaste::command::postsuper::run(argc, argv); }
