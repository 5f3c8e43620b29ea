// A server's reply, where it lies in the read buffer. RFC 5321 4.2.1.
//
// A load generator looks at the code of most replies and at nothing else, so that nothing is copied.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace posthaste::command::smtp_source {

struct ReplyView {
    int code = 0;           // 0: this is no SMTP reply
    std::string_view text;  // all lines as they came
    std::size_t size = 0;   // bytes of the buffer that it takes

    [[nodiscard]] int hundreds() const { return code / 100; }
};

// The reply at the front of the buffer; none while its last line is incomplete.
std::optional<ReplyView> scan_reply(std::string_view buffered);
// The last line without its end, for messages.
std::string last_line(std::string_view text);
// Whether an EHLO or LHLO reply has this line.
bool announces(std::string_view text, std::string_view keyword);

}  // namespace posthaste::command::smtp_source
