// trivial-rewrite — see service.h.
#include "daemon/trivial-rewrite/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::trivial_rewrite::Service>(argc, argv); }
