// command.h — delivery to an external command, by a process that has become its user already.
//
// The command gets the message on standard input, no other descriptor, a clean environment, and the time that is left
// of the caller's limit. Its exit status decides (sysexits.h, local(8), pipe(8)); its output is the reason, and an
// enhanced status code at the start of the output counts more than the status.
#pragma once

#include "dsn/outcome.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posthaste::mailbox {

struct Command {
    std::vector<std::string> argv;  // argv[0] is the program, absolute or found in PATH
    std::string shown;              // in messages: the command as it was configured
    std::vector<std::pair<std::string, std::string>> environment;
    std::string directory;  // working directory; empty: stays
};

// What a shell would need quoting for is run through /bin/sh -c, anything else is split at spaces (local(8)).
std::vector<std::string> command_words(const std::string& text);

// input: headers and content in the form that the command expects. success: text of the outcome when it exits with 0.
dsn::Outcome run_command(const Command& command, std::string_view input, std::string success);

// What an exit status of sysexits.h means; bounced with 5.3.0 for those it does not know.
dsn::Outcome outcome_of_status(int wait_status, std::string_view output, std::string_view shown, std::string success);

}  // namespace posthaste::mailbox
