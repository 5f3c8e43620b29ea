// ask_program.h — runs a program of ours and takes its answer: what a daemon alone can tell without being copied
// (which restrictions it knows, and what they say).
#pragma once

#include "base/result.h"

#include <string>
#include <vector>

namespace posthaste::server {

// What the program writes to standard output; its standard error is ours. Errors: it cannot be run, its exit status is
// not 0, it writes more than 16 MB, or it takes longer than two minutes (then it is killed).
Result<std::string> ask_program(const std::string& path, const std::vector<std::string>& arguments);

}  // namespace posthaste::server
