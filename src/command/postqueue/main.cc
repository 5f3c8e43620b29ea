// postqueue(1): looks at the queue and asks for deliveries. Runs set-gid setgid_group, so that everybody can use it.
#include "command/postqueue/postqueue.h"

int main(int argc, char** argv) { return posthaste::command::postqueue::run(argc, argv); }
