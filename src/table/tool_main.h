// tool_main.h — the whole of postmap(1) and postalias(1) except the set-up of the log, which lies in
// a higher library: main() passes it in.
#pragma once

#include "config/config.h"
#include "table/tool.h"

#include <functional>
#include <string>
#include <vector>

namespace posthaste::table {

using SetUpLog = std::function<void(const config::Config& config, int verbosity)>;

// Exit status: 0 if it was done and every key that was asked for exists, else 1.
int tool_main(Dialect dialect, const std::vector<std::string>& arguments, const SetUpLog& set_up_log);

}  // namespace posthaste::table
