// An SMTP reply: a code and a text that begins with the enhanced status code where there is one. RFC 5321 4.2,
// RFC 2034. Replies are values; the session batches them into few writes.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace posthaste::smtp {

struct Reply {
    int code = 0;      // three digits
    std::string text;  // "2.1.0 Ok"; lines separated by '\n'

    [[nodiscard]] bool is_error() const { return code >= 400; }
    [[nodiscard]] std::string line() const { return std::to_string(code) + " " + text; }  // for the log
    friend bool operator==(const Reply&, const Reply&) = default;
};

// Appends the wire form: "250-first CRLF 250 last CRLF". CR and bytes that would break a line become spaces.
void append_reply(std::string& out, const Reply& reply);

// The temporary form of a permanent rejection (postconf(5) soft_bounce): 5xx to 4xx, 5.x.x to 4.x.x.
Reply softened(Reply reply);

// Makes the class of the enhanced code agree with the reply code (access(5): "450 5.7.1 text" is sent as 4.7.1).
std::string with_class_of(int code, std::string_view enhanced);

}  // namespace posthaste::smtp
