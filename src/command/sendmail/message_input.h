// Standard input as a message: lines with any line end become content in wire form.
//
// RFC 5322 text as users and programs write it: line feeds (or CRLF, postconf(5) sendmail_fix_line_endings), an end
// that may lack one, and, without -i, a line with a single dot as the end. With -t the header is held back until its
// last line, because the recipients stand in it and the envelope goes first. Limit: header_limit bytes of header.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::command::sendmail {

enum class LineEndFix : std::uint8_t { Always, Strict, Never };

// The recipients in the header: To, Cc, Bcc, or where there are Resent- headers, theirs.
std::vector<std::string> header_recipients(std::string_view header);

// Reads descriptor `fd`. Both functions may be used one after the other: the header first, then the rest.
class MessageInput {
public:
    MessageInput(int fd, LineEndFix fix, bool dot_ends_message)
        : fd_(fd), fix_(fix), dot_ends_message_(dot_ends_message)
    {
    }

    // The header with its empty line, in wire form; up to the first line that is no header line.
    Result<std::string> read_header();
    // Everything that is left, in blocks of whole lines.
    Result<void> read_rest(const std::function<Result<void>(std::string_view)>& block);

    static constexpr std::size_t header_limit = std::size_t{16} << 20;

private:
    // The next line without its end; false at the end of the message. A line of more than most_line bytes is cut.
    Result<bool> next_line(std::string_view& line);
    Result<bool> fill();
    void fix_end(std::string_view& line);
    static constexpr std::size_t most_line = std::size_t{1} << 20;

    std::string buffer_;
    std::size_t at_ = 0;
    int fd_;
    LineEndFix fix_;
    bool dot_ends_message_;
    bool first_line_ = true;
    bool fixes_ = true;
    bool ended_ = false;
};

}  // namespace posthaste::command::sendmail
