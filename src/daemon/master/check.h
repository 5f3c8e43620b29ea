// What postfix check asks of master: can every address of master.cf be listened on? The program that opens the sockets
// in production answers. Unless a mail system runs, each of them is open for a moment.
#pragma once

#include <string_view>

namespace posthaste::master {

// master check stopped; or master check starting, which waits for addresses as a start does; or master check running,
// which opens nothing, because the mail system has them. Prints {"problems": [{"service", "text", "remedy"}]}; with
// "error" in place of it where master.cf cannot be used at all. The exit status is 0 if there is an answer.
int check(std::string_view state);

}  // namespace posthaste::master
