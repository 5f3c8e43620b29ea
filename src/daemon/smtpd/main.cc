// smtpd — see service.h.
#include "daemon/smtpd/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::smtpd::Service>(argc, argv); }
