// What postconf explain and postfix check ask of the SMTP server: the program that decides in production says what it
// would decide, and why. Nothing is logged, sent to other processes, or put into the queue; tables, policy services and
// the name service are asked as always.
#pragma once

namespace posthaste::smtpd {

// smtpd explain OPTIONS CLIENT HELO SENDER RECIPIENT, with the options that master gives to the service (-n -t -o).
// An address for HELO stands for the name that the client turns out to have. Prints one JSON object:
//     client       {"address", "name"}
//     steps        what was asked, in order (server/trace_json.h)
//     reply        that of RCPT: "250 2.1.5 Ok", or the one that refuses
//     error        in place of all of that: this service cannot start like this
//
// smtpd check OPTIONS prints {"problems": [{"parameter", "text"}]}: restrictions that cannot be used; with "error" as
// above.
//
// The exit status is 0 if there is an answer.
int explain(int argc, char** argv);

// Whether the command line is one of these.
bool is_question(int argc, char** argv);

}  // namespace posthaste::smtpd
