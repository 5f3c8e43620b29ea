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
constexpr std::array<Known, 24> known_headers{{
    {"received", HeaderKind::Received},
    {"from", HeaderKind::From},
    {"to", HeaderKind::To},
    {"date", HeaderKind::Date},
    {"message-id", HeaderKind::MessageId},
    {"cc", HeaderKind::Cc},
    {"reply-to", HeaderKind::OtherSender},
    {"sender", HeaderKind::OtherSender},
    {"bcc", HeaderKind::Bcc},
    {"content-transfer-encoding", HeaderKind::ContentTransferEncoding},
    {"return-path", HeaderKind::OtherSender},
    {"errors-to", HeaderKind::OtherSender},
    {"return-receipt-to", HeaderKind::OtherSender},
    {"disposition-notification-to", HeaderKind::OtherSender},
    {"mail-followup-to", HeaderKind::OtherSender},
    {"apparently-to", HeaderKind::OtherRecipient},
    {"resent-from", HeaderKind::ResentFrom},
    {"resent-to", HeaderKind::ResentTo},
    {"resent-cc", HeaderKind::ResentCc},
    {"resent-bcc", HeaderKind::ResentBcc},
    {"resent-date", HeaderKind::ResentDate},
    {"resent-message-id", HeaderKind::ResentMessageId},
    {"resent-sender", HeaderKind::ResentOtherSender},
    {"resent-reply-to", HeaderKind::ResentOtherRecipient},
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

HeaderRole header_role(HeaderKind kind)
{
    switch (kind) {
    case HeaderKind::From:
    case HeaderKind::OtherSender:
    case HeaderKind::ResentFrom:
    case HeaderKind::ResentOtherSender: return HeaderRole::Sender;
    case HeaderKind::To:
    case HeaderKind::Cc:
    case HeaderKind::Bcc:
    case HeaderKind::OtherRecipient:
    case HeaderKind::ResentTo:
    case HeaderKind::ResentCc:
    case HeaderKind::ResentBcc:
    case HeaderKind::ResentOtherRecipient: return HeaderRole::Recipient;
    default: return HeaderRole::None;
    }
}

}  // namespace posthaste::intake
