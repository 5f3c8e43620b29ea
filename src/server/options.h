// The command line of a service process: "generic Postfix daemon options", written by master, plus what master.cf
// says after the program's name.
#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace posthaste::server {

struct DaemonOptions {
    std::string process_name;                                    // the last component of argv[0]
    std::string service_name;                                    // -n
    std::string service_type = "unix";                           // -t
    int listen_sockets = 0;                                      // -s
    bool unprivileged = false;                                   // -u: become mail_owner
    bool chrooted = false;                                       // -c: jail in queue_directory
    bool stand_alone = false;                                    // -S
    bool debugger = false;                                       // -D: debugger_command
    int verbosity = 0;                                           // -v
    std::vector<std::pair<std::string, std::string>> overrides;  // -o name=value
    std::vector<std::string> arguments;                          // the rest, from the first that is no option
};

// Options without effect here (-d -l -z, -i time, -m count) are accepted: master.cf files have them.
Result<DaemonOptions> parse_options(int argc, char** argv);

}  // namespace posthaste::server
