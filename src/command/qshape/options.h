// options.h — the command line of qshape(1).
#pragma once

#include "command/qshape/distribution.h"

#include <cstdint>
#include <string>
#include <vector>

namespace posthaste::command::qshape {

enum class Count : std::uint8_t { Recipients, Senders };

struct Options {
    Shape shape;
    Count count = Count::Recipients;
    std::string config_directory;
    std::uint64_t batch = 1000;  // -N: at a terminal, what is known so far is shown after so many messages
    std::size_t top = 20;        // -n: domains that a terminal gets to see
    std::vector<std::string> queues{"incoming", "active"};
};

// Numbers that are not above 0 leave the default, as does a width below it. A bad option, what is no number, or -h
// prints the usage to standard error and ends the program with status 255.
Options parse_options(int argc, char** argv);

}  // namespace posthaste::command::qshape
