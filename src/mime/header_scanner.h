// header_scanner.h — where the header section of a message ends, and the logical headers in it. RFC 5322 2.2.
//
// Fed with the lines of a message, without their line ends, while they arrive; nothing is read twice. Folded lines
// are joined with '\n' and keep their leading white space. Text of one header beyond the limit is dropped (postconf(5)
// header_size_limit) and the header says so. The section ends at an empty line, or at a line that is no header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthaste::mime {

// The length of the field name that the line begins with (printable ASCII without ':'), if the line is a header
// field: name, optional white space, ':'. 0 if it is none.
std::size_t header_name_length(std::string_view line);

// A mailbox's separator line, as programs put it before a message by mistake ("From user date", ">From ...").
bool is_mailbox_separator(std::string_view line);

struct Header {
    std::string_view name;   // as written
    std::string_view text;   // the whole header, name and colon included, folded lines joined with '\n'
    bool truncated = false;  // text beyond the limit was dropped

    // What stands behind the colon, with its leading white space.
    [[nodiscard]] std::string_view value() const;
};

enum class LinePlace : std::uint8_t {
    Header,     // the line is part of the header section
    Separator,  // the empty line between header and body
    Body,       // the line belongs to the body; without a Separator before it if the section ended without one
};

struct ScanStep {
    LinePlace place = LinePlace::Body;
    // The header that ended before this line. Views are valid until the next feed() or finish().
    std::optional<Header> completed;
    bool body_starts = false;  // this line is the separator, or the body line that ended the section
};

// One message. Memory: two headers of the size limit at most. Not shared between threads.
class HeaderScanner {
public:
    explicit HeaderScanner(std::size_t header_size_limit = 102400) : limit_(header_size_limit) {}

    ScanStep feed(std::string_view line);
    // The end of the message: the header that was still open, if the body never started.
    std::optional<Header> finish();
    // Another header section begins. What was handed out last stays valid.
    void restart();

private:
    std::optional<Header> complete();
    void append(std::string_view text);

    std::size_t limit_;
    std::string open_;       // the header being collected
    std::string completed_;  // what completed() views point into
    std::size_t name_length_ = 0;
    bool truncated_ = false;
    bool in_headers_ = true;
};

}  // namespace posthaste::mime
