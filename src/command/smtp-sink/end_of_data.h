// Finds the end of a message, CRLF "." CRLF, in data that arrives in pieces. RFC 5321 4.1.1.4.
//
// A sink that keeps nothing looks for nothing else: one memchr for dots over the whole, and a look around each.
#pragma once

#include <cstddef>
#include <string_view>

namespace posthaste::command::smtp_sink {

// One message; a value.
class EndOfData {
public:
    // How many bytes of the piece belong to the message, its end included: all, unless it is finished() now.
    std::size_t feed(std::string_view piece);
    [[nodiscard]] bool finished() const { return state_ == State::Finished; }

private:
    // What the last bytes were.
    enum class State : unsigned char { InLine, Cr, LineStart, Dot, DotCr, Finished };
    State after(char c) const;
    State state_ = State::LineStart;
};

}  // namespace posthaste::command::smtp_sink
