// command.h — delivery to an external command, by a process that has become its user already.
//
// The command gets the message on standard input, no other descriptor, a clean environment, and a process group of its
// own. It has ended when it has exited and nothing that it started holds its output any more; what has not ended within
// the time limit is killed, and the delivery has failed for good. Else its exit status decides (sysexits.h, local(8),
// pipe(8)); its output is the reason, and an enhanced status code at the start of the output counts more than the
// status.
#pragma once

#include "dsn/outcome.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posthaste::mailbox {

struct Command {
    std::vector<std::string> argv;  // argv[0] is the program, absolute or found in PATH
    std::string shown;              // in messages: the command as it was configured
    std::string shell_text;         // for /bin/sh -c when PATH has no such program; empty: then it cannot be started
    std::vector<std::pair<std::string, std::string>> environment;
    std::string directory;               // working directory; empty: stays
    std::chrono::seconds time_limit{0};  // 0: none
};

// What run_as() should allow beyond the command's own limit, so that this one is the first to be noticed.
constexpr std::chrono::seconds command_grace{30};

// A command line of aliases(5), .forward or mailbox_command, as local(8) runs it: directly where possible; by /bin/sh
// when it contains what is special to the shell, or when the program is none that PATH has ("exit 67": a built-in).
// shell: the words of local_command_shell, which get the text as their last argument whatever it is; empty: as above.
Command command_line(const std::string& text, std::string_view shell = {});

// input: headers and content in the form that the command expects. success: text of the outcome when it exits with 0;
// bounced with 5.3.0 is a status that sysexits.h does not know.
dsn::Outcome run_command(const Command& command, std::string_view input, std::string success);

}  // namespace posthaste::mailbox
