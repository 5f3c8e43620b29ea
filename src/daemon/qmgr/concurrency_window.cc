// concurrency_window.cc — see concurrency_window.h.
#include "daemon/qmgr/concurrency_window.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace posthaste::qmgr {

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
