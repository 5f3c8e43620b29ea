// The process environment and limits that master hands down to everything it starts.
#pragma once

#include "config/config.h"

namespace posthaste::master {

// Keeps what postconf(5) import_environment names, sets what it sets, and drops the rest: settings of the
// administrator's shell must not reach programs that deliver mail. Invalid: as config::listed_variables(); then nothing
// changes.
Result<void> clean_environment(const config::Config& config);

// As many descriptors as the system allows: a network server holds thousands of clients.
void raise_limits();

// Standard input, output and error to /dev/null; with keep_output only the input.
enum class Output : unsigned char { Discard, Keep };
void detach_standard_files(Output output);

}  // namespace posthaste::master
