// mail_clock.cc — see mail_clock.h.
#include "daemon/qmgr/mail_clock.h"

#include "log/log.h"

#include <algorithm>
#include <ctime>

namespace posthaste::qmgr {

namespace {

constexpr Seconds followed_at_once = 60;  // clocks are adjusted by seconds all the time
constexpr Seconds disbelief = 3600;

Seconds read(clockid_t clock)
{
    timespec now{};
    ::clock_gettime(clock, &now);
    return now.tv_sec;
}

}  // namespace

MailClock::MailClock()
    : MailClock(Source{.calendar = [] { return read(CLOCK_REALTIME); }, .running = [] { return read(CLOCK_BOOTTIME); }})
{
}

MailClock::MailClock(Source source) : source_(std::move(source)), base_(source_.calendar() - source_.running()) {}

Seconds MailClock::to_calendar(Seconds time) const { return source_.calendar() + (time - running()); }

Seconds MailClock::from_calendar(Seconds time, std::chrono::seconds longest) const
{
    return running() + std::min<Seconds>(time - source_.calendar(), longest.count());
}

void MailClock::look()
{
    const Seconds ahead = source_.calendar() - now();
    if (ahead > followed_at_once) {
        if (!jumped_at_) {
            log::warning("the clock jumped forward by {} seconds: for an hour, mail does not get older by it", ahead);
            jumped_at_ = running();
        }
        if (running() < *jumped_at_ + disbelief)
            return;
    } else if (ahead < -followed_at_once) {
        log::warning("the clock jumped back by {} seconds", -ahead);
    }
    jumped_at_.reset();
    offset_ += ahead;
}

}  // namespace posthaste::qmgr
