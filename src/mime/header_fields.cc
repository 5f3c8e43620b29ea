// header_fields.cc — see header_fields.h.
#include "mime/header_fields.h"

#include "base/text.h"

#include <algorithm>
#include <array>

namespace posthaste::mime {

namespace {

using enum Field;
constexpr auto sender = AddressRole::Sender;
constexpr auto recipient = AddressRole::Recipient;
constexpr auto none = AddressRole::None;

// Name, field, role of its addresses, a Resent- field, recipients for `sendmail -t`.
constexpr std::array fields = {
    FieldInfo{"Apparently-To", ApparentlyTo, recipient, false, false},
    FieldInfo{"Bcc", Bcc, recipient, false, true},
    FieldInfo{"Cc", Cc, recipient, false, true},
    FieldInfo{"Content-Length", ContentLength, none, false, false},
    FieldInfo{"Content-Transfer-Encoding", ContentTransferEncoding, none, false, false},
    FieldInfo{"Content-Type", ContentType, none, false, false},
    FieldInfo{"Date", Date, none, false, false},
    FieldInfo{"Delivered-To", DeliveredTo, none, false, false},
    FieldInfo{"Disposition-Notification-To", DispositionNotificationTo, sender, false, false},
    FieldInfo{"Errors-To", ErrorsTo, sender, false, false},
    FieldInfo{"From", From, sender, false, false},
    FieldInfo{"Mail-Followup-To", MailFollowupTo, sender, false, false},
    FieldInfo{"Message-ID", MessageId, none, false, false},
    FieldInfo{"MIME-Version", MimeVersion, none, false, false},
    FieldInfo{"Received", Received, none, false, false},
    FieldInfo{"Reply-To", ReplyTo, sender, false, false},
    FieldInfo{"Resent-Bcc", ResentBcc, recipient, true, true},
    FieldInfo{"Resent-Cc", ResentCc, recipient, true, true},
    FieldInfo{"Resent-Date", ResentDate, none, true, false},
    FieldInfo{"Resent-From", ResentFrom, sender, true, false},
    FieldInfo{"Resent-Message-ID", ResentMessageId, none, true, false},
    FieldInfo{"Resent-Reply-To", ResentReplyTo, sender, true, false},
    FieldInfo{"Resent-Sender", ResentSender, sender, true, false},
    FieldInfo{"Resent-To", ResentTo, recipient, true, true},
    FieldInfo{"Return-Path", ReturnPath, sender, false, false},
    FieldInfo{"Return-Receipt-To", ReturnReceiptTo, sender, false, false},
    FieldInfo{"Sender", Sender, sender, false, false},
    FieldInfo{"Subject", Subject, none, false, false},
    FieldInfo{"To", To, recipient, false, true},
};

constexpr FieldInfo unknown{};

}  // namespace

const FieldInfo& field_info(std::string_view name)
{
    const auto* found =
        std::ranges::find_if(fields, [name](const FieldInfo& field) { return equal_ignoring_case(field.name, name); });
    return found == fields.end() ? unknown : *found;
}

}  // namespace posthaste::mime
