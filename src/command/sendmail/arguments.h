// The command line of sendmail(1) as a value. Thirty years of programs call it in every imaginable way, so what has
// no meaning here (-m, -o7, -h 5, -x, -L tag ...) is accepted and forgotten; what cannot be done is refused.
#pragma once

#include "base/result.h"
#include "intake/maildrop.h"

#include <cstdint>
#include <string>
#include <vector>

namespace posthaste::command::sendmail {

enum class Mode : std::uint8_t {
    Deliver,     // -bm: a message from standard input; also -bv, which asks what would happen to it
    Daemon,      // -bd, -bl: start the mail system
    StandAlone,  // -bs: SMTP on standard input and output
    List,        // -bp, mailq
    Aliases,     // -bi, -I, newaliases
    Flush,       // -q
    FlushId,     // -qI<id>
    FlushSite,   // -qR<site>
    Nothing,     // -q<interval>: the queue manager needs no timer; -bh, -bH
};

struct Arguments {
    Mode mode = Mode::Deliver;
    std::string program;              // "sendmail", "mailq", "newaliases"
    std::string config_directory;     // -C; empty: as usual
    std::string flush_what;           // FlushId, FlushSite
    std::string alias_database;       // -oA; empty: as in main.cf
    bool extract_recipients = false;  // -t
    bool dot_ends_message = true;     // not with -i, -oi
    bool sender_given = false;
    intake::Submission submission;
    bool verp = false;  // -XV; without delimiters: default_verp_delimiters  // sender, full name, DSN parameters, trace
    std::uint8_t notify = 0;  // -N, for all recipients
    int verbosity = 0;
    std::vector<std::string> warnings;
};

// The name the program was called by, without its directory.
std::string program_name(int argc, char** argv);

// Invalid: what stands in the text; printed after "fatal: ".
Result<Arguments> parse_arguments(int argc, char** argv);

}  // namespace posthaste::command::sendmail
