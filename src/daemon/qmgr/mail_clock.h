// mail_clock.h — what time it is for a queue whose system clock may jump (set by hand, by NTP after a start, in a
// virtual machine that was moved).
//
// Pauses between attempts are measured by a clock that only runs: a jump makes nothing due early or hours late. The age
// of mail needs the calendar; a jump forward is believed only after an hour, so that a slip that is corrected returns
// no mail as too old.
#pragma once

#include "daemon/qmgr/retry_schedule.h"

#include <functional>
#include <optional>

namespace posthaste::qmgr {

// One a queue manager; loop's thread only.
class MailClock {
public:
    struct Source {
        std::function<std::chrono::nanoseconds()> calendar;  // system time, since the epoch
        std::function<std::chrono::nanoseconds()> running;   // since any moment; goes on while the machine sleeps
    };
    MailClock();
    explicit MailClock(Source source);

    // The time of the schedule: the calendar's at the start of the process, and what has passed since.
    [[nodiscard]] Seconds running() const
    {
        return std::chrono::floor<std::chrono::seconds>(source_.running() + base_).count();
    }
    // For the age of mail.
    [[nodiscard]] Seconds now() const { return running() + offset_; }
    // A time of the schedule as it is written to a file, and back. What lies behind now + `longest` came from a clock
    // that was wrong: it is that at most.
    [[nodiscard]] Seconds to_calendar(Seconds time) const;
    [[nodiscard]] Seconds from_calendar(Seconds time, std::chrono::seconds longest) const;
    // To be called about once a second.
    void look();

private:
    // By how much the calendar is ahead of running(), in whole seconds: both change seconds at the same moment, so that
    // a time of the schedule is the same one in a file whenever it is written.
    [[nodiscard]] Seconds ahead() const;

    Source source_;
    std::chrono::nanoseconds base_;
    Seconds offset_ = 0;
    std::optional<Seconds> jumped_at_;
};

}  // namespace posthaste::qmgr
