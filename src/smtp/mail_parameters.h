// The parameters of MAIL and RCPT. RFC 1870 (SIZE), RFC 6152 (BODY), RFC 3461 (RET, ENVID, NOTIFY, ORCPT),
// RFC 6531 (SMTPUTF8), RFC 4954 (AUTH, ignored: RFC 4954 5 allows that where nobody has authenticated).
//
// Pure functions from words to values. Which extensions were offered is the session's business: `offered` says which
// parameters may be used; another one is refused as unknown (RFC 5321 4.1.1.11). Limits: the line's.
#pragma once

#include "smtp/extensions.h"
#include "smtp/reply.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace posthaste::smtp {

enum class Return : std::uint8_t { Unset, Headers, Full };

struct MailParameters {
    std::optional<std::uint64_t> size;
    bool eight_bit = false;
    bool smtputf8 = false;
    Return ret = Return::Unset;
    std::string envid;                // decoded
    std::optional<std::string> verp;  // the delimiters; empty: the usual ones
};

// The values are those of queue::Notify.
enum NotifyBits : std::uint8_t { notify_never = 1, notify_success = 2, notify_failure = 4, notify_delay = 8 };

struct RcptParameters {
    std::uint8_t notify = 0;  // 0: not given
    std::string orcpt;        // "rfc822;user@domain", decoded
};

// The Reply is 501 for a bad value and for DSN where it is not offered, and 555 for an unknown parameter. SIZE, BODY
// and AUTH are taken whether they are offered or not, as Postfix does.
std::expected<MailParameters, Reply> parse_mail_parameters(std::span<const std::string_view> words,
                                                           ExtensionSet offered);
std::expected<RcptParameters, Reply> parse_rcpt_parameters(std::span<const std::string_view> words,
                                                           ExtensionSet offered);

// RFC 3461 4: '+' and two hexadecimal digits stand for a byte. Nothing if the text breaks the grammar; a bare
// '=' is forgiven.
std::optional<std::string> decode_xtext(std::string_view text);

}  // namespace posthaste::smtp
