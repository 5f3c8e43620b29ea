// sendmail(1), mailq(1), newaliases(1): what programs and users call to send mail and to look at the queue.
#include "command/sendmail/sendmail.h"

int main(int argc, char** argv) { return posthaste::command::sendmail::run(argc, argv); }
