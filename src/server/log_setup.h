// The logger as main.cf wants it: syslog_name, syslog_facility, maillog_file.
#pragma once

#include "config/config.h"

#include <string>

namespace posthaste::server {

struct LogSetup {
    std::string program;
    std::string tag;         // instead of syslog_name; alone, without a slash, if program is empty
    bool to_stderr = false;  // commands with a terminal or a reader
    int verbosity = 0;
    // Daemons have queue_directory as working directory and reach postlogd by a relative path, in the jail, too.
    bool in_queue_directory = false;
    bool direct = false;          // past postlogd: postlogd itself, and who runs when it does not
    bool wait_for_reader = true;  // false: master, who starts the reader
    std::string shared_tag;       // log::Options::shared_tag
};

// postconf(5) maillog_file_permissions. Invalid: no octal number.
Result<unsigned> maillog_file_mode(const config::Config& config);

void set_up_log(const config::Config& config, const LogSetup& setup);
// Part of it, also for a process that takes over another main.cf: info_log_address_format.
void set_log_address_form(const config::Config& config);

}  // namespace posthaste::server
