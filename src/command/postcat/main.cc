// postcat(1): prints messages of the queue.
#include "command/postcat/postcat.h"

int main(int argc, char** argv) { return posthaste::command::postcat::run(argc, argv); }
