// postconf without -M, -F, -P: printing and changing main.cf.
#pragma once

#include "command/postconf/options.h"
#include "config/check_names.h"
#include "config/config.h"

#include <string>
#include <vector>

namespace posthaste::command::postconf {

// What a run of the command says. Warnings are lines without the "postconf: warning: " before them.
struct Output {
    std::string text;
    std::vector<std::string> warnings;
};

// The parameters that the options ask for, in the order of the names on the command line, else sorted.
// Invalid: -x meets a value that cannot be expanded.
Result<Output> print_parameters(const Options& options);

// -e, -X, -#. Nothing is printed; warnings are of repeated names.
Result<Output> change_parameters(const Options& options);

}  // namespace posthaste::command::postconf
