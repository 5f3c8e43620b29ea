// Lines of intake that other programs parse. They carry the name postfix/cleanup, whichever process does the work.
#pragma once

#include <string_view>

namespace posthaste::log {

// "QID: message-id=<...>"; an empty id is a message without one.
void message_id(std::string_view queue_id, std::string_view id);
// "QID: resent-message-id=<...>"
void resent_message_id(std::string_view queue_id, std::string_view id);
// Where a message comes from, for the lines below. Without client name: a program of this machine.
struct ContentOrigin {
    std::string_view client_name;
    std::string_view client_address;
    std::string_view sender;
    std::string_view recipient;
    std::string_view protocol;
    std::string_view helo;
};
// "QID: <action>: <place> <text> from <client>; from=<...> to=<...> proto=... helo=<...>[: <said>]": what
// header_checks(5) did because of a line; place is header, body or content.
void content_action(std::string_view queue_id, std::string_view action, std::string_view place, std::string_view text,
                    const ContentOrigin& origin, std::string_view said);
// "QID: reject: mime-error <what>: <text> from <client>; from=<...> to=<...>"
void mime_error(std::string_view queue_id, std::string_view what, std::string_view text, const ContentOrigin& origin);
// "warning: <text>": of a table or a setting, not of a message.
void cleanup_warning(std::string_view text);
// "warning: QID: <text>": why a message was not accepted.
void message_refused(std::string_view queue_id, std::string_view text);

}  // namespace posthaste::log
