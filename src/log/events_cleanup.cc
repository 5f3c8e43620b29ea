// Lines of intake, see events_cleanup.h.
#include "log/events_cleanup.h"

#include "log/address_form.h"
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

namespace {
constexpr std::size_t longest_text = 200;

// " from <client>; from=<...> to=<...>"
std::string origin_text(const ContentOrigin& origin)
{
    std::string client = "local";
    if (!origin.client_name.empty())
        client = fmt::format("{}[{}]", origin.client_name, origin.client_address);
    return fmt::format(" from {}; from=<{}> to=<{}>", client, address_text(origin.sender),
                       address_text(origin.recipient));
}
}  // namespace

void content_action(std::string_view queue_id, std::string_view action, std::string_view place, std::string_view text,
                    const ContentOrigin& origin, std::string_view said)
{
    std::string out =
        fmt::format("{}: {}: {} {}{}", queue_id, action, place, text.substr(0, longest_text), origin_text(origin));
    if (!origin.protocol.empty())
        out += fmt::format(" proto={}", origin.protocol);
    if (!origin.helo.empty())
        out += fmt::format(" helo=<{}>", origin.helo);
    if (!said.empty())
        out += fmt::format(": {}", said);
    line(program, out);
}

void mime_error(std::string_view queue_id, std::string_view what, std::string_view text, const ContentOrigin& origin)
{
    line(program, fmt::format("{}: reject: mime-error {}: {}{}", queue_id, what, text.substr(0, longest_text),
                              origin_text(origin)));
}

void cleanup_warning(std::string_view text) { line(program, Severity::Warning, text); }

void message_refused(std::string_view queue_id, std::string_view text)
{
    line(program, Severity::Warning, fmt::format("{}: {}", queue_id, text));
}

}  // namespace posthaste::log
