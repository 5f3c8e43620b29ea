// The header names that intake knows, see header_kind.h.
#include "intake/header_kind.h"

#include "base/text.h"

#include <array>

namespace posthaste::intake {

namespace {
struct Known {
    std::string_view name;
    HeaderKind kind;
};
// The most frequent first: the search is linear and compares lengths before letters.
constexpr std::array<Known, 23> known_headers{{
    {"received", HeaderKind::Received},
    {"from", HeaderKind::From},
    {"to", HeaderKind::To},
    {"date", HeaderKind::Date},
    {"message-id", HeaderKind::MessageId},
    {"cc", HeaderKind::Cc},
    {"reply-to", HeaderKind::Sender},
    {"sender", HeaderKind::Sender},
    {"bcc", HeaderKind::Bcc},
    {"content-transfer-encoding", HeaderKind::ContentTransferEncoding},
    {"errors-to", HeaderKind::Sender},
    {"return-receipt-to", HeaderKind::Sender},
    {"disposition-notification-to", HeaderKind::Sender},
    {"mail-followup-to", HeaderKind::Sender},
    {"mail-reply-to", HeaderKind::Sender},
    {"resent-from", HeaderKind::ResentFrom},
    {"resent-to", HeaderKind::ResentTo},
    {"resent-cc", HeaderKind::ResentCc},
    {"resent-bcc", HeaderKind::ResentBcc},
    {"resent-date", HeaderKind::ResentDate},
    {"resent-message-id", HeaderKind::ResentMessageId},
    {"resent-sender", HeaderKind::ResentSender},
    {"resent-reply-to", HeaderKind::ResentSender},
}};
}  // namespace

HeaderKind header_kind(std::string_view name)
{
    for (const Known& known : known_headers)
        if (known.name.size() == name.size() && equal_ignoring_case(known.name, name))
            return known.kind;
    return HeaderKind::Other;
}

bool is_resent(HeaderKind kind) { return kind >= HeaderKind::ResentMessageId; }

bool holds_addresses(HeaderKind kind)
{
    switch (kind) {
    case HeaderKind::From:
    case HeaderKind::To:
    case HeaderKind::Cc:
    case HeaderKind::Bcc:
    case HeaderKind::Sender:
    case HeaderKind::ResentFrom:
    case HeaderKind::ResentTo:
    case HeaderKind::ResentCc:
    case HeaderKind::ResentBcc:
    case HeaderKind::ResentSender: return true;
    default: return false;
    }
}

}  // namespace posthaste::intake
