// postlogd — see service.h.
#include "daemon/postlogd/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::postlogd::Service>(argc, argv); }
