// smtp-sink(1): takes test messages over SMTP or LMTP and throws them away.
#include "command/smtp-sink/smtp_sink.h"

int main(int argc, char** argv) { return posthaste::command::smtp_sink::run(argc, argv); }
