// content.h — a message in the form that a mailbox or a command gets it: own headers, then the content with local
// line ends. The content comes in wire form (CRLF).
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::mailbox {

struct ContentStyle {
    std::string line_end = "\n";
    bool quote_from = false;  // ">" before lines that begin with "From " (mbox)
    bool dot_stuff = false;   // "." before lines that begin with "." (pipe flags=.)
};

// Writes both to a descriptor, in pieces of about 64 KiB; stops at the first error.
Result<void> write_content(int fd, std::string_view headers, std::string_view content, const ContentStyle& style);
// The same into memory.
std::string local_form(std::string_view content, const ContentStyle& style);

// "From sender  Mon May 21 03:57:19 2018": the separator of an mbox, local time; MAILER-DAEMON for the null sender.
std::string from_line(std::string_view sender, std::int64_t seconds);

// Whether some Delivered-To: header of the content names this address, ignoring case: a loop (local(8)).
bool was_delivered_to(std::string_view content, std::string_view address);

}  // namespace posthaste::mailbox
