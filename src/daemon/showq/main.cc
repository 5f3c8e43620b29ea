// showq — see service.h.
#include "daemon/showq/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::showq::Service>(argc, argv); }
