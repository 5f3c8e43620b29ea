// pipe — see service.h.
#include "daemon/pipe/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::pipe_agent::Service>(argc, argv); }
