// qmgr — see service.h.
#include "daemon/qmgr/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::qmgr::Service>(argc, argv); }
