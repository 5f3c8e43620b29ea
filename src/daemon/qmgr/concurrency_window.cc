// concurrency_window.cc — see concurrency_window.h.
#include "daemon/qmgr/concurrency_window.h"

#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace posthaste::qmgr {

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

ConcurrencyWindow::ConcurrencyWindow(const WindowSettings& settings) : size_(0) { revive(settings); }

void ConcurrencyWindow::revive(const WindowSettings& settings)
{
    size_ = settings.limit > 0 ? std::min(settings.initial, settings.limit) : settings.initial;
    success_ = failure_ = failed_cohorts_ = 0;
}

void ConcurrencyWindow::succeeded(const WindowSettings& settings, int in_use)
{
    failed_cohorts_ = 0;
    if (size_ == 0)  // the last of those that were under way when the others failed: it is alive after all
        revive(settings);
    if (size_ >= in_use + settings.initial)
        return;
    success_ += settings.positive.at(size_);
    while (success_ >= 1) {
        success_ -= 1;
        failure_ = 0;
        ++size_;
    }
    size_ = std::min(size_, settings.limit > 0 ? settings.limit : std::numeric_limits<int>::max() / 2);
}

void ConcurrencyWindow::failed(const WindowSettings& settings)
{
    if (size_ == 0)
        return;
    constexpr double rounding = 1e-9;
    failed_cohorts_ += 1.0 / size_;
    if (settings.failed_cohort_limit > 0 && failed_cohorts_ > settings.failed_cohort_limit - rounding) {
        size_ = 0;
        return;
    }
    failure_ -= settings.negative.at(size_);
    while (failure_ < 0) {
        failure_ += 1;
        success_ = 0;
        --size_;
    }
    size_ = std::max(size_, 1);
}

std::string ConcurrencyWindow::state() const
{
    return fmt::format("success {:.2f}, failure {:.2f}, failed cohorts {:.2f}", success_, failure_, failed_cohorts_);
}

}  // namespace posthaste::qmgr
