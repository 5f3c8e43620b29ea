// proxymap — see service.h.
#include "daemon/proxymap/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::proxymap::Service>(argc, argv); }
