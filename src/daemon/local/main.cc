// local — see service.h.
#include "daemon/local/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::local::Service>(argc, argv); }
