// mail_clock.cc — see mail_clock.h.
#include "daemon/qmgr/mail_clock.h"

#include "log/log.h"

#include <algorithm>
#include <ctime>

namespace posthaste::qmgr {

namespace {

constexpr Seconds followed_at_once = 60;  // clocks are adjusted by seconds all the time
constexpr Seconds disbelief = 3600;

std::chrono::nanoseconds read(clockid_t clock)
{
    timespec now{};
    ::clock_gettime(clock, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

MailClock::MailClock()
    : MailClock(Source{.calendar = [] { return read(CLOCK_REALTIME); }, .running = [] { return read(CLOCK_BOOTTIME); }})
{
}

MailClock::MailClock(Source source) : source_(std::move(source)), base_(source_.calendar() - source_.running()) {}

Seconds MailClock::ahead() const
{
    return std::chrono::round<std::chrono::seconds>(source_.calendar() - source_.running() - base_).count();
}

Seconds MailClock::to_calendar(Seconds time) const { return time + ahead(); }

Seconds MailClock::from_calendar(Seconds time, std::chrono::seconds longest) const
{
    return std::min<Seconds>(time - ahead(), running() + longest.count());
}

void MailClock::look()
{
    const Seconds jump = ahead() - offset_;
    if (jump > followed_at_once) {
        if (!jumped_at_) {
            log::warning("the clock jumped forward by {} seconds: for an hour, mail does not get older by it", jump);
            jumped_at_ = running();
        }
        if (running() < *jumped_at_ + disbelief)
            return;
    } else if (jump < -followed_at_once) {
        log::warning("the clock jumped back by {} seconds", -jump);
    }
    jumped_at_.reset();
    offset_ += jump;
}

}  // namespace posthaste::qmgr
