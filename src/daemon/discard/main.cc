// discard — see service.h.
#include "daemon/discard/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::discard::Service>(argc, argv); }
