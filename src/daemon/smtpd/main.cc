// smtpd — see service.h, and explain.h for the questions of postconf and postfix.
#include "daemon/smtpd/explain.h"
#include "daemon/smtpd/service.h"
#include "server/server.h"

int main(int argc, char** argv)
{
    if (posthaste::smtpd::is_question(argc, argv))
        return posthaste::smtpd::explain(argc, argv);
    return posthaste::server::run<posthaste::smtpd::Service>(argc, argv);
}
