// attributes.h — what a pipe(8) line of master.cf says: flags=, user=, directory=, size=, eol=, null_sender=, argv=,
// and the macros in its argv. Pure functions.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::pipe_agent {

struct Flags {
    bool blank_line = false;      // B: an empty line at the end
    bool delivered_to = false;    // D
    bool from_line = false;       // F
    bool original_to = false;     // O
    bool return_path = false;     // R
    bool final_delivery = false;  // X
    bool fold_domain = false;     // h
    bool quote = false;           // q
    bool fold_user = false;       // u
    bool dot_stuff = false;       // .
    bool quote_from = false;      // >
};

struct Attributes {
    Flags flags;
    std::string user;
    std::string group;
    std::string directory;
    std::string line_end = "\n";
    std::optional<std::string> null_sender;  // unset: MAILER-DAEMON
    std::uint64_t size_limit = 0;            // bytes; 0: none
    std::vector<std::string> argv;
};

// Invalid: an unknown attribute or flag, or no user= or argv=; the text says which. chroot= is refused: not built yet.
Result<Attributes> parse_attributes(const std::vector<std::string>& words);

// The values of macros for one delivery. Names that stand for a recipient have one value for each recipient.
struct MacroValues {
    std::function<std::optional<std::string>(std::string_view name)> single;
    std::function<std::optional<std::string>(std::string_view name, std::size_t recipient)> per_recipient;
    std::size_t recipients = 1;
};
// An argument that names a per-recipient macro is repeated for each recipient. Invalid: an unknown macro.
Result<std::vector<std::string>> expand_argv(const std::vector<std::string>& argv, const MacroValues& values);

}  // namespace posthaste::pipe_agent
