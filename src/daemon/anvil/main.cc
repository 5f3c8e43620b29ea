// anvil — see service.h.
#include "daemon/anvil/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::anvil::Service>(argc, argv); }
