// Lines of intake that other programs parse. They carry the name postfix/cleanup, whichever process does the work.
#pragma once

#include <string_view>

namespace posthaste::log {

// "QID: message-id=<...>"; an empty id is a message without one.
void message_id(std::string_view queue_id, std::string_view id);
// "QID: resent-message-id=<...>"
void resent_message_id(std::string_view queue_id, std::string_view id);
// "warning: QID: <text>": why a message was not accepted.
void message_refused(std::string_view queue_id, std::string_view text);

}  // namespace posthaste::log
