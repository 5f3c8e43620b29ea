// concurrency_window.h — how many deliveries at once a destination can take (SCHEDULER_README, "concurrency feedback"
// and "dead destination").
//
// A success widens the window by g(N), a failure of connection or handshake narrows it by f(N), where N is the
// window. Changes take effect in whole steps: growth at the end of 1/g(N) successes, shrinking at the beginning of
// 1/f(N) failures, so that overshoot is corrected at once and noise does not make the window swing. Each failure also
// counts as 1/N of a failed cohort; more cohorts than the limit, and the destination is dead.
#pragma once

#include "server/concurrency_feedback.h"

#include <string>

namespace posthaste::qmgr {

using server::Feedback;

struct WindowSettings {
    int initial = 5;
    int limit = 20;  // 0: none
    Feedback positive;
    Feedback negative;
    int failed_cohort_limit = 1;  // 0: a destination never counts as dead
};

// A value without a clock: the destination that owns it decides when a dead one is tried again.
class ConcurrencyWindow {
public:
    explicit ConcurrencyWindow(const WindowSettings& settings);

    // Deliveries that may be under way at once; 0: the destination is dead.
    [[nodiscard]] int size() const { return size_; }
    [[nodiscard]] bool is_dead() const { return size_ == 0; }
    // A delivery did not fail in connection or handshake; `in_use` is how many were under way, itself included. A
    // window that is not used does not grow.
    void succeeded(const WindowSettings& settings, int in_use);
    void failed(const WindowSettings& settings);
    // Back to the beginning: the dead time is over, or the administrator flushed the queue.
    void revive(const WindowSettings& settings);
    // destination_concurrency_feedback_debug: what has been gathered towards the next step.
    [[nodiscard]] std::string state() const;

private:
    int size_;
    double success_ = 0;
    double failure_ = 0;
    double failed_cohorts_ = 0;
};

}  // namespace posthaste::qmgr
