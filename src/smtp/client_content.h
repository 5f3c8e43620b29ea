// client_content.h — message content on its way to a server: dots doubled (RFC 5321 4.5.2), long lines folded.
//
// The queue keeps content in wire form, and most of it goes out as it lies. Only content with lines that begin with a
// dot, or longer than the limit, goes through this encoder, a piece at a time: memory is bounded by the piece.
//
// Folding (postconf(5) smtp_line_length_limit): a longer line is broken by CRLF and a blank.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace posthaste::smtp {

class ContentEncoder {
public:
    // content: lines that end in CRLF; it outlives the encoder. limit: bytes a line without CRLF, 0: none.
    ContentEncoder(std::string_view content, std::size_t line_limit) : rest_(content), limit_(line_limit) {}

    // Appends about `piece` bytes more to out; false when there was nothing left.
    bool next(std::string& out, std::size_t piece);

private:
    std::string_view rest_;
    std::size_t limit_;
    std::size_t in_line_ = 0;  // bytes of the current line that have been written
};

}  // namespace posthaste::smtp
