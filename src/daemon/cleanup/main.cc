// cleanup — see service.h.
#include "daemon/cleanup/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::cleanup::Service>(argc, argv); }
