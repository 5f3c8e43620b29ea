// bounce, defer, trace — see service.h.
#include "daemon/bounce/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::bounce::Service>(argc, argv); }
