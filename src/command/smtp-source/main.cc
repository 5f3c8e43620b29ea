// smtp-source(1): sends test messages to an SMTP or LMTP server, many sessions at once.
#include "command/smtp-source/smtp_source.h"

int main(int argc, char** argv) { return posthaste::command::smtp_source::run(argc, argv); }
