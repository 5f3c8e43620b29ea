// concurrency_feedback.h — the form of default_destination_concurrency_positive_feedback and its like: qmgr goes by it,
// and postfix check looks at it.
#pragma once

#include "base/result.h"

#include <string_view>

namespace posthaste::server {

// postconf(5) default_destination_concurrency_{positive,negative}_feedback: "x", "x / concurrency" or
// "x / sqrt_concurrency", where x is between 0 and 1 and may be a fraction "1/4".
class Feedback {
public:
    // Invalid: the text is none of these forms.
    static Result<Feedback> parse(std::string_view text);

    [[nodiscard]] double at(int window) const;

private:
    enum class Divisor : unsigned char { One, Concurrency, SquareRoot };
    double amount_ = 1;
    Divisor divisor_ = Divisor::One;
};

}  // namespace posthaste::server
