// Lines of the SMTP server, see events_smtpd.h.
#include "log/events_smtpd.h"

#include "base/text.h"
#include "log/log.h"

#include <fmt/format.h>
#include <iterator>

namespace posthaste::log {

namespace {

bool names_queue_id_at_end = false;

using Buffer = fmt::memory_buffer;

template<class... T>
void append(Buffer& out, fmt::format_string<T...> format, T&&... arguments)
{
    fmt::format_to(std::back_inserter(out), format, std::forward<T>(arguments)...);
}

void write_info(const Buffer& text) { write(Severity::Info, {text.data(), text.size()}); }

std::string_view id_or_noqueue(std::string_view queue_id) { return queue_id.empty() ? "NOQUEUE" : queue_id; }

// A line at the end of a session: the newer wording has the queue id before it.
Buffer end_line(std::string_view queue_id)
{
    Buffer text;
    if (names_queue_id_at_end)
        append(text, "{}: ", id_or_noqueue(queue_id));
    return text;
}

}  // namespace

void smtpd_connect(std::string_view client)
{
    Buffer text;
    append(text, "connect from {}", client);
    write_info(text);
}

void smtpd_disconnect(std::string_view client, std::string_view counts)
{
    Buffer text;
    append(text, "disconnect from {}{}", client, counts);
    write_info(text);
}

void smtpd_client(std::string_view queue_id, std::string_view client)
{
    Buffer text;
    append(text, "{}: client={}", queue_id, client);
    write_info(text);
}

void smtpd_access(const AccessEvent& event)
{
    Buffer text;
    append(text, "{}: {}: {} from {}: {};", id_or_noqueue(event.queue_id), event.action, event.stage, event.client,
           event.text);
    if (event.sender)
        append(text, " from=<{}>", *event.sender);
    if (event.recipient)
        append(text, " to=<{}>", *event.recipient);
    append(text, " proto={}", event.protocol);
    if (!event.helo.empty())
        append(text, " helo=<{}>", event.helo);
    write_info(text);
}

void smtpd_abort(std::string_view client, std::string_view stage, std::string_view text)
{
    Buffer line;
    append(line, "NOQUEUE: abort: {} from {}: {}", stage, client, text);
    write_info(line);
}

void smtpd_session_end(SessionEnd how, std::string_view queue_id, std::string_view stage,
                       std::optional<std::uint64_t> data_bytes, std::string_view client)
{
    static constexpr std::string_view words[] = {"lost connection", "timeout", "too many errors", "bare <LF> received"};
    Buffer text = end_line(queue_id);
    append(text, "{} after {} ", words[static_cast<std::size_t>(how)], stage);
    if (data_bytes)
        append(text, "({} bytes) ", *data_bytes);
    append(text, "from {}", client);
    write_info(text);
}

void smtpd_improper_pipelining(std::string_view queue_id, std::string_view stage, std::string_view client,
                               std::string_view input)
{
    Buffer text = end_line(queue_id);
    append(text, "improper command pipelining after {} from {}: {}", stage, client, input);
    write_info(text);
}

void smtpd_non_smtp_command(std::string_view client, std::string_view line)
{
    warning("non-SMTP command from {}: {}", client, line);
}

void smtpd_long_request(std::string_view client, std::size_t limit, std::string_view line)
{
    warning("{}: request longer than {}: {}...", client, limit, line);
}

void smtpd_bad_address(std::string_view client, std::string_view verb, std::string_view path)
{
    warning("Illegal address syntax from {} in {} command: {}", client, verb, path);
}

void smtpd_size_limit(std::string_view queue_id) { warning("{}: queue file size limit exceeded", queue_id); }

void smtpd_name_mismatch(std::string_view name, std::string_view address, std::string_view reason)
{
    warning("hostname {} does not resolve to address {}{}{}", name, address, reason.empty() ? "" : ": ", reason);
}

void smtpd_limit_exceeded(RateLimit limit, int count, std::string_view client, std::string_view service)
{
    static constexpr std::string_view words[] = {"Connection concurrency", "Connection rate",
                                                 "Message delivery request rate", "Recipient address rate",
                                                 "New TLS session rate"};
    warning("{} limit exceeded: {} from {} for service {}", words[static_cast<std::size_t>(limit)], count, client,
            service);
}

void set_smtpd_wording(std::string_view log_compatibility_level)
{
    std::size_t dot = log_compatibility_level.find('.');
    auto major = parse_number<int>(log_compatibility_level.substr(0, dot)).value_or(3);
    auto minor =
        dot == std::string_view::npos ? 0 : parse_number<int>(log_compatibility_level.substr(dot + 1)).value_or(7);
    names_queue_id_at_end = major > 3 || (major == 3 && minor >= 10);
}

}  // namespace posthaste::log
