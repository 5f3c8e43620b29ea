// smtp, lmtp — see service.h.
#include "daemon/smtp/service.h"
#include "server/server.h"

int main(int argc, char** argv) { return posthaste::server::run<posthaste::smtp_client::Service>(argc, argv); }
