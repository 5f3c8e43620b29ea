// Lines of the delivery agents, see events_delivery.h.
#include "log/events_delivery.h"

#include "log/log.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace posthaste::log {

namespace {

int delay_resolution = 2;

// A delay as postconf(5) delay_logging_resolution_limit describes: from 100 s on whole seconds, below two digits of
// precision but at most delay_resolution behind the point, without zeros at the end.
void append_delay(fmt::memory_buffer& out, std::int64_t microseconds)
{
    microseconds = std::max<std::int64_t>(microseconds, 0);
    std::int64_t unit = 1;  // the last digit that is shown
    for (int digits = 6; digits > delay_resolution; --digits)
        unit *= 10;
    while (microseconds / unit >= 100 && unit < 1'000'000)
        unit *= 10;
    std::int64_t rounded = (microseconds + unit / 2) / unit * unit;
    fmt::format_to(std::back_inserter(out), "{}", rounded / 1'000'000);
    std::int64_t fraction = rounded % 1'000'000;
    if (fraction == 0)
        return;
    char digits[8];
    fmt::format_to_n(digits, sizeof digits, "{:06}", fraction);
    std::size_t count = 6;
    while (digits[count - 1] == '0')
        --count;
    out.push_back('.');
    out.append(digits, digits + count);
}

std::string_view view(const fmt::memory_buffer& text) { return {text.data(), text.size()}; }

}  // namespace

void set_delay_resolution(int digits) { delay_resolution = std::clamp(digits, 0, 6); }

void delivery(const Delivery& what)
{
    fmt::memory_buffer text;
    auto out = std::back_inserter(text);
    fmt::format_to(out, "{}: to=<{}>", what.queue_id, what.recipient);
    if (!what.original_recipient.empty() && what.original_recipient != what.recipient)
        fmt::format_to(out, ", orig_to=<{}>", what.original_recipient);
    fmt::format_to(out, ", relay={}", what.relay);
    if (what.connection_use > 1)
        fmt::format_to(out, ", conn_use={}", what.connection_use);
    const Delays& d = what.delays;
    text.append(std::string_view(", delay="));
    append_delay(text, d.before_active + d.in_active + d.connecting + d.transmitting);
    std::string_view separator = ", delays=";
    for (std::int64_t part : {d.before_active, d.in_active, d.connecting, d.transmitting}) {
        text.append(separator);
        append_delay(text, part);
        separator = "/";
    }
    fmt::format_to(out, ", dsn={}, status={} ({})", what.code, what.status, what.text);
    if (what.program.empty())
        write(Severity::Info, view(text));
    else
        line(what.program, view(text));
}

void session_trouble(std::string_view queue_id, std::string_view text)
{
    fmt::memory_buffer out;
    fmt::format_to(std::back_inserter(out), "{}: {}", queue_id, text);
    write(Severity::Info, view(out));
}

void sent_content_action(std::string_view queue_id, std::string_view action, std::string_view place,
                         std::string_view text, std::string_view said)
{
    constexpr std::size_t longest_text = 200;
    write(Severity::Info, fmt::format("{}: {}: {} {}{}{}", queue_id, action, place, text.substr(0, longest_text),
                                      said.empty() ? "" : ": ", said));
}

void connect_failed(std::string_view text) { write(Severity::Info, text); }

}  // namespace posthaste::log
