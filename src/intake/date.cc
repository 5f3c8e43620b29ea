// Points in time as mail headers show them, see date.h. Names of days and months never depend on the locale.
#include "intake/date.h"

#include <array>
#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <string_view>

namespace posthaste::intake {

std::string mail_date(std::int64_t seconds_since_epoch)
{
    static constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::time_t seconds = seconds_since_epoch;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    long offset = local.tm_gmtoff / 60;
    auto minutes = std::labs(offset);
    return fmt::format("{}, {:2} {} {} {:02}:{:02}:{:02} {}{:02}{:02} ({})", days[static_cast<unsigned>(local.tm_wday)],
                       local.tm_mday, months[static_cast<unsigned>(local.tm_mon)], local.tm_year + 1900, local.tm_hour,
                       local.tm_min, local.tm_sec, offset < 0 ? '-' : '+', minutes / 60, minutes % 60,
                       local.tm_zone == nullptr ? "UTC" : local.tm_zone);
}

std::string compact_date(std::int64_t seconds_since_epoch)
{
    std::time_t seconds = seconds_since_epoch;
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                       utc.tm_min, utc.tm_sec);
}

}  // namespace posthaste::intake
