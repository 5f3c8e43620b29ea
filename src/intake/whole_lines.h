// Content that comes cut anywhere, handed on in whole lines as Message::add_lines() wants them.
#pragma once

#include "intake/pipeline.h"

#include <string>
#include <string_view>

namespace posthaste::intake {

// Keeps what is left of a line until the next piece. Refers to the message.
class WholeLines {
public:
    explicit WholeLines(Message& message) : message_(message) {}

    void add(std::string_view piece)
    {
        // What was there before has no line end but perhaps the first half of one.
        std::size_t known = rest_.empty() ? 0 : rest_.size() - 1;
        rest_ += piece;
        std::size_t end = std::string_view(rest_).substr(known).rfind("\r\n");
        if (end == std::string_view::npos)
            return;
        message_.add_lines(std::string_view(rest_).substr(0, known + end + 2));
        rest_.erase(0, known + end + 2);
    }

    // A last line without an end gets one.
    void finish()
    {
        if (rest_.empty())
            return;
        rest_ += "\r\n";
        message_.add_lines(rest_);
        rest_.clear();
    }

private:
    Message& message_;
    std::string rest_;
};

}  // namespace posthaste::intake
