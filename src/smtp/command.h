// The command line of an SMTP session: a verb and what follows it. RFC 5321 2.4, 4.1.1.
//
// parse_command() is a pure function over one line without its line end. Verbs are not case-sensitive; white space
// before the verb and at the end of the line is forgiven. Limits: the caller bounds the line (line_reader.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::smtp {

// In the order in which Postfix counts commands in its "disconnect from" line.
enum class Verb : std::uint8_t {
    Helo,
    Ehlo,
    Xclient,
    Xforward,
    Starttls,
    Auth,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Vrfy,
    Etrn,
    Quit,
    Help,
    Unknown,
};
inline constexpr std::size_t verb_count = static_cast<std::size_t>(Verb::Unknown) + 1;

// "MAIL"; "UNKNOWN" for what is no command.
std::string_view name(Verb verb);

struct Command {
    Verb verb = Verb::Unknown;
    std::string_view word;       // as the client wrote it; empty for an empty line
    std::string_view arguments;  // what follows, without white space around it
};

Command parse_command(std::string_view line);

// Text of a client as log lines show it: control characters in C notation (\n, \r, \033), at most `most` bytes of it.
std::string escape_for_log(std::string_view text, std::size_t most);

}  // namespace posthaste::smtp
