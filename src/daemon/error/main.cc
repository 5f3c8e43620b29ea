// error, retry — see service.h.
#include "daemon/error/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::error::Service>(argc, argv); }
