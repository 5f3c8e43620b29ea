// concurrency_feedback.cc — see concurrency_feedback.h.
#include "server/concurrency_feedback.h"

#include "base/text.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

namespace posthaste::server {

namespace {

std::optional<double> parse_decimal(std::string_view text)
{
    double value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

}  // namespace

Result<Feedback> Feedback::parse(std::string_view text)
{
    auto invalid = [&] {
        return fail(ErrorKind::Invalid, "expected a number between 0 and 1, number / concurrency or number / "
                                        "sqrt_concurrency, found \"" +
                                            printable(text) + "\"");
    };
    std::vector<std::string_view> parts = split(text, "/ \t");
    Feedback feedback;
    if (parts.empty() || parts.size() > 3)
        return invalid();
    std::string_view divisor = parts.size() > 1 ? parts.back() : std::string_view();
    if (divisor == "concurrency" || divisor == "sqrt_concurrency") {
        feedback.divisor_ = divisor == "concurrency" ? Divisor::Concurrency : Divisor::SquareRoot;
        parts.pop_back();
    }
    auto amount = parse_decimal(parts[0]);
    if (!amount || parts.size() > 2)
        return invalid();
    if (parts.size() == 2) {
        auto denominator = parse_decimal(parts[1]);
        if (!denominator || *denominator <= 0)
            return invalid();
        *amount /= *denominator;
    }
    if (*amount < 0 || *amount > 1)
        return invalid();
    feedback.amount_ = *amount;
    return feedback;
}

double Feedback::at(int window) const
{
    switch (divisor_) {
    case Divisor::One: return amount_;
    case Divisor::Concurrency: return amount_ / window;
    case Divisor::SquareRoot: return amount_ / std::sqrt(window);
    }
    return amount_;
}

}  // namespace posthaste::server
