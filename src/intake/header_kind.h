// The header names that intake knows, by what is done with them. Names are compared without regard to case.
#pragma once

#include <cstdint>
#include <string_view>

namespace posthaste::intake {

enum class HeaderKind : std::uint8_t {
    Other,
    Received,
    MessageId,
    Date,
    From,
    To,
    Cc,
    Bcc,
    ContentTransferEncoding,
    OtherSender,     // Sender, Reply-To, Errors-To, ...: rewritten, nothing else
    OtherRecipient,  // Apparently-To
    ResentMessageId,
    ResentDate,
    ResentFrom,
    ResentTo,
    ResentCc,
    ResentBcc,
    ResentOtherSender,     // Resent-Sender
    ResentOtherRecipient,  // Resent-Reply-To
};

// postconf(5) canonical_classes: whom the addresses of a header stand for.
enum class HeaderRole : std::uint8_t { None, Sender, Recipient };

HeaderKind header_kind(std::string_view name);
bool is_resent(HeaderKind kind);
// None: the value is no list of addresses, and is not rewritten.
HeaderRole header_role(HeaderKind kind);
inline bool holds_addresses(HeaderKind kind) { return header_role(kind) != HeaderRole::None; }

}  // namespace posthaste::intake
