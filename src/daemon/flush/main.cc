// flush — see service.h.
#include "daemon/flush/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::flush::Service>(argc, argv); }
