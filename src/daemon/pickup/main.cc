// pickup — see service.h.
#include "daemon/pickup/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::pickup::Service>(argc, argv); }
