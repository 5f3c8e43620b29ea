// virtual — see service.h.
#include "daemon/virtual/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::virtual_agent::Service>(argc, argv); }
