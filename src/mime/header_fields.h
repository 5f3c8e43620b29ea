// header_fields.h — the header fields that mean something to a mail system. RFC 5322 3.6, RFC 2045 3.
//
// One table: name, and what intake does with it (header rewriting, recipients of `sendmail -t`, missing headers).
#pragma once

#include <cstdint>
#include <string_view>

namespace posthaste::mime {

enum class Field : std::uint8_t {
    Unknown,
    ApparentlyTo,
    Bcc,
    Cc,
    ContentLength,
    ContentTransferEncoding,
    ContentType,
    Date,
    DeliveredTo,
    DispositionNotificationTo,
    ErrorsTo,
    From,
    MailFollowupTo,
    MessageId,
    MimeVersion,
    Received,
    ReplyTo,
    ResentBcc,
    ResentCc,
    ResentDate,
    ResentFrom,
    ResentMessageId,
    ResentReplyTo,
    ResentSender,
    ResentTo,
    ReturnPath,
    ReturnReceiptTo,
    Sender,
    Subject,
    To,
};

enum class AddressRole : std::uint8_t { None, Sender, Recipient };

struct FieldInfo {
    std::string_view name;
    Field field = Field::Unknown;
    AddressRole role = AddressRole::None;  // it holds addresses; rewritten by canonical maps and the like
    bool resent = false;                   // one of the Resent- fields
    bool recipients = false;               // `sendmail -t` takes its addresses as recipients
};

// The field of that name, in any case; Unknown with an empty name when there is none in the table.
const FieldInfo& field_info(std::string_view name);

}  // namespace posthaste::mime
