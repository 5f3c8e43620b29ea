// From the bytes behind DATA to content: line ends, dot-unstuffing, the end of the message. RFC 5321 4.1.1.4, 4.5.2.
//
// The decoder works on whole buffers: a run of ordinary lines is handed on as one piece, where it lies, so that the
// cost is one memchr a line and no copy. Content comes out in wire form: CRLF line ends, not dot-stuffed.
//
// Smuggling (postconf(5) smtpd_forbid_bare_newline): only CRLF "." CRLF ends a message, unless the administrator says
// `no`. A line of one dot that is surrounded by anything else is content; its dot is removed like any stuffed dot, so
// that it cannot become an end of data at the next hop. Limits: a line of more than max_line bytes is broken there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::smtp {

enum class BareNewline : std::uint8_t {
    Normalize,  // a bare LF ends a line, but is no part of an end of data
    Reject,     // the same, and the session refuses what had one
    Note,       // the same, and the session's last log line tells
    Allow,      // "no": LF is as good as CRLF everywhere
};

// Takes what a decoder produces: whole lines, each ended by CRLF, in content order. A stray CR inside a line stays
// (postconf(5) cleanup_replace_stray_cr_lf is intake's business).
class ContentSink {
public:
    virtual ~ContentSink() = default;
    virtual void add_lines(std::string_view crlf_lines) = 0;
};

// One message. Owned by the session while it reads DATA.
class DataDecoder {
public:
    static constexpr std::size_t max_line = std::size_t{1} << 20;

    explicit DataDecoder(BareNewline bare_newline) : bare_newline_(bare_newline) {}

    // Decodes whole lines from the front of input and returns how many bytes of it are used up. Stops behind the end
    // of data; bytes of a line that has no end yet are left for the next call.
    std::size_t feed(std::string_view input, ContentSink& sink);
    [[nodiscard]] bool finished() const { return finished_; }
    [[nodiscard]] bool saw_bare_newline() const { return saw_bare_newline_; }

private:
    struct Line;
    [[nodiscard]] bool ends_data(const Line& line) const;
    void add_unusual(const Line& line, ContentSink& sink);
    std::string scratch_;
    std::size_t scanned_ = 0;  // bytes of the unfinished line that are known to hold no LF
    BareNewline bare_newline_;
    bool previous_was_crlf_ = true;  // the DATA line itself
    bool in_broken_line_ = false;
    bool finished_ = false;
    bool saw_bare_newline_ = false;
};

}  // namespace posthaste::smtp
