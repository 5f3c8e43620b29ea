// The command line of smtp-source(1) as a value.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/socket.h>

namespace posthaste::command::smtp_source {

struct Options {
    std::string destination;
    int family = AF_UNSPEC;                // -4 -6
    bool go_on = false;                    // -A
    bool counter = false;                  // -c
    std::int64_t connect_tries = 1;        // -C
    bool reuse = false;                    // -d
    std::optional<std::string> sender;     // -f
    std::string file;                      // -F
    std::size_t length = 0;                // -l, 0: a few lines
    bool lmtp = false;                     // -L
    std::int64_t messages = 1;             // -m
    std::string hostname;                  // -M
    bool number_recipients = false;        // -N
    bool old_mode = false;                 // -o
    std::int64_t recipients = 1;           // -r
    std::chrono::seconds random_delay{0};  // -R
    std::int64_t sessions = 1;             // -s
    std::string subject;                   // -S
    std::string recipient;                 // -t
    int window = 0;                        // -T, 0: the system's
    std::chrono::seconds fixed_delay{0};   // -w
    int verbosity = 0;                     // -v
    std::int64_t connecting = 0;           // --connecting, 0: as many as there are sessions
    std::string ledger;                    // --ledger
    bool pipelining = false;               // --pipelining
};

// Ends the program with a message if the command line is wrong. Defaults are filled in.
Options parse_options(int argc, char** argv);

}  // namespace posthaste::command::smtp_source
