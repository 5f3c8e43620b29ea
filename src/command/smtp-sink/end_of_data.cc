// end_of_data.cc — see end_of_data.h.
#include "command/smtp-sink/end_of_data.h"

#include <algorithm>

namespace posthaste::command::smtp_sink {

EndOfData::State EndOfData::after(char c) const
{
    if (c == '\n')
        return state_ == State::Cr ? State::LineStart : state_ == State::DotCr ? State::Finished : State::InLine;
    if (c == '\r')
        return state_ == State::Dot ? State::DotCr : State::Cr;
    return c == '.' && state_ == State::LineStart ? State::Dot : State::InLine;
}

std::size_t EndOfData::feed(std::string_view piece)
{
    // The bytes that decide lie within two before a dot and two behind it.
    std::size_t at = 0;
    while (at < piece.size()) {
        std::size_t dot = state_ == State::InLine ? piece.find('.', at) : at;
        if (dot != at) {
            dot = std::min(dot, piece.size());
            at = dot - at > 2 ? dot - 2 : at;
        }
        state_ = after(piece[at++]);
        while (at < piece.size() && state_ != State::InLine && state_ != State::Finished)
            state_ = after(piece[at++]);
        if (state_ == State::Finished)
            return at;
    }
    return piece.size();
}

}  // namespace posthaste::command::smtp_sink
