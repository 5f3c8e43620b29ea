// Lines of intake, see events_cleanup.h.
#include "log/events_cleanup.h"

#include "log/log.h"

#include <fmt/format.h>
#include <iterator>

namespace posthaste::log {

namespace {
constexpr std::string_view program = "cleanup";

void write_pair(std::string_view queue_id, std::string_view middle, std::string_view end)
{
    fmt::memory_buffer text;
    fmt::format_to(std::back_inserter(text), "{}: {}{}", queue_id, middle, end);
    line(program, std::string_view(text.data(), text.size()));
}
}  // namespace

void message_id(std::string_view queue_id, std::string_view id)
{
    write_pair(queue_id, "message-id=", id.empty() ? std::string_view("<>") : id);
}

void resent_message_id(std::string_view queue_id, std::string_view id)
{
    write_pair(queue_id, "resent-message-id=", id);
}

void message_refused(std::string_view queue_id, std::string_view text)
{
    line(program, Severity::Warning, fmt::format("{}: {}", queue_id, text));
}

}  // namespace posthaste::log
