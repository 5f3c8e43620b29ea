// options.h — the command line of postqueue(1): Postfix's options, and those that are new.
//
//     -f, -i queue_id, -s site          ask for deliveries
//     -p, -j                            list the queue, for people or as JSON
//     --ids                             print queue ids only, for `postsuper -d -` and its like
//     --summary [-j]                    group what waits by destination, transport and reason
//     --to, --from, --reason, --older-than   list or summarize only the messages that fit (selection.h)
#pragma once

#include "command/postqueue/selection.h"

#include <string>

namespace posthaste::command::postqueue {

enum class Mode : unsigned char { List, Json, Ids, Summary, JsonSummary, FlushAll, FlushId, FlushSite };

// Reads the queue rather than changing anything.
constexpr bool is_listing(Mode mode) { return mode <= Mode::JsonSummary; }

struct Options {
    Mode mode = Mode::List;
    std::string config_directory;
    std::string argument;  // -i: the queue id; -s: the site
    Selection selection;
};

// Ends the program with status 69 after a line that begins with "postqueue: fatal: " where Postfix does.
Options parse_options(int argc, char** argv);

[[noreturn]] void fatal(int status, std::string_view text);

}  // namespace posthaste::command::postqueue
