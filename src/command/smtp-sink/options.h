// The command line of smtp-sink(1) as a value.
#pragma once

#include "command/smtp-sink/commands.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/socket.h>

namespace posthaste::command::smtp_sink {

struct Options {
    std::string destination;  // [inet:][host]:port or unix:pathname
    int backlog = 0;
    int family = AF_UNSPEC;                                      // -4 -6
    bool announce_8bitmime = true;                               // -8
    bool announce_auth = true;                                   // -a
    std::optional<std::chrono::seconds> abort_after;             // -A
    std::string soft_error = "450 4.3.0 Error: command failed";  // -b
    std::string hard_error = "500 5.3.0 Error: command failed";  // -B
    bool counters = false;                                       // -c
    bool xclient = true;                                         // -C
    std::string dump_one;                                        // -d
    std::string dump_all;                                        // -D
    bool esmtp = true;                                           // -e
    bool announce_enhanced_codes = true;                         // -E
    bool xforward = true;                                        // -F
    std::string hostname = "smtp-sink";                          // -h
    std::chrono::seconds read_delay{0};                          // -H
    bool lmtp = false;                                           // -L
    std::size_t connections = 256;                               // -m
    std::int64_t messages = 0;                                   // -M, 0: no end
    std::int64_t sessions = 0;                                   // -n, 0: no end
    bool announce_dsn = true;                                    // -N
    bool announce_pipelining = true;                             // -p
    bool pix = false;                                            // -P
    std::string root_directory;                                  // -R
    std::string start_string;                                    // -S, escapes replaced
    std::chrono::seconds timeout{100};                           // -t
    int window = 0;                                              // -T, 0: the system's
    std::string user;                                            // -u
    int verbosity = 0;                                           // -v
    Treatments treatments;
    std::string ledger;  // --ledger

    // --check: then nothing but these two counts
    std::string source_ledger;
    std::string sink_ledger;

    [[nodiscard]] const Treatment& treatment(Verb verb) const { return treatments[static_cast<std::size_t>(verb)]; }
    [[nodiscard]] bool dumps() const { return !dump_one.empty() || !dump_all.empty(); }
};

// Ends the program with a message if the command line is wrong.
Options parse_options(int argc, char** argv);

// The C escapes of -S: \a \b \f \n \r \t \v \ddd (octal) \\.
std::string without_escapes(std::string_view text);

}  // namespace posthaste::command::smtp_sink
