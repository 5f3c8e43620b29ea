// Finds the next command line in what a client has sent so far. RFC 5321 2.3.8.
//
// A line ends in CRLF; a bare LF ends it too, and is reported, because the session decides what that means
// (postconf(5) smtpd_forbid_bare_newline). A line that is longer than the limit is cut: its first `limit` bytes are the
// line, the rest up to the line end is skipped, as Postfix does. Pure function: nothing is kept between calls but the
// caller's `skipping`.
#pragma once

#include <cstddef>
#include <string_view>

namespace posthaste::smtp {

struct LineScan {
    enum class State : unsigned char {
        Incomplete,  // no line end yet: read more; `consume` bytes may be dropped all the same
        Line,        // `line` is complete
        Cut,         // `line` is the first part of a line that is too long; what follows is to be skipped
        Skipped,     // the end of a line that was cut: nothing to execute
    };
    State state = State::Incomplete;
    std::string_view line;
    std::size_t consume = 0;  // bytes to take from the buffer once the line has been used
    bool bare_newline = false;
};

// skipping: the line that was cut has not ended yet.
LineScan scan_line(std::string_view buffered, std::size_t limit, bool skipping);

}  // namespace posthaste::smtp
