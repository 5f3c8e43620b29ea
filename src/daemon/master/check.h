// What postfix check asks of master before it starts: can every address of master.cf be listened on? The program that
// opens the sockets in production answers. For a moment each of them is open.
#pragma once

#include <chrono>

namespace posthaste::master {

// master check stopped; or master check starting, which waits for addresses as a start does: prints {"problems":
// [{"service", "text", "remedy"}]}; with "error" in place of it where master.cf cannot be used at all. Asked only while
// no mail system runs. The exit status is 0 if there is an answer.
int check(std::chrono::milliseconds patience);

}  // namespace posthaste::master
