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
    Sender,  // Sender, Reply-To, Errors-To, Return-Receipt-To, Disposition-Notification-To: rewritten, nothing else
    ResentMessageId,
    ResentDate,
    ResentFrom,
    ResentTo,
    ResentCc,
    ResentBcc,
    ResentSender,  // Resent-Sender, Resent-Reply-To
};

HeaderKind header_kind(std::string_view name);
bool is_resent(HeaderKind kind);
// The value is a list of addresses that the local rewriting context completes.
bool holds_addresses(HeaderKind kind);

}  // namespace posthaste::intake
