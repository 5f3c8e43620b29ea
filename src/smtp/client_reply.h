// client_reply.h — what a server answers, from bytes to a value. RFC 5321 4.2.1, RFC 2034.
//
// Pure functions. Limits: 2048 bytes a line (the rest of a longer one is dropped), 100 lines or 20 KiB a reply.
#pragma once

#include "base/result.h"
#include "smtp/extensions.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthaste::smtp {

struct PeerReply {
    int code = 0;               // three digits
    std::string text;           // all lines as they came, codes included, joined by single blanks: for log and reports
    std::string enhanced_code;  // "5.1.1" of the last line that has one that fits the code; empty if none
    std::string first_line;     // without code: the greeting's and EHLO's host name

    [[nodiscard]] bool is_success() const { return code / 100 == 2; }
    [[nodiscard]] bool is_intermediate() const { return code / 100 == 3; }
    [[nodiscard]] bool is_temporary() const { return code / 100 == 4; }
    [[nodiscard]] bool is_permanent() const { return code / 100 == 5; }
};

inline constexpr std::size_t longest_reply = 20480;  // bytes, all lines together

// Takes one reply from the front of a buffer that is still being filled. `used` is how many bytes it took; no value
// while the last line is missing (used is 0 then). Invalid: not an SMTP reply; the text says what came. Limit: too
// long.
Result<std::optional<PeerReply>> take_reply(std::string_view buffer, std::size_t& used);

// What an EHLO or LHLO reply offers.
struct PeerExtensions {
    ExtensionSet offered;
    std::uint64_t size_limit = 0;  // RFC 1870; 0: none
    std::string xforward;          // the attributes after XFORWARD, upper case
};
// The lines of the reply as they came ("250-mx\n250 SIZE 10"), `suppressed` left out (smtp_discard_ehlo_keywords).
PeerExtensions parse_extensions(std::string_view lines, ExtensionSet suppressed);

}  // namespace posthaste::smtp
