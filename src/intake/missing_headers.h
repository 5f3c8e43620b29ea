// The headers that a message of this site must have and its author left out (RFC 5322 3.6): Message-Id, Date, From,
// and To: where undisclosed_recipients_header says so. A forwarded message (one with Resent- headers) gets the
// Resent- kind. Also the Received: line of mail that did not come by SMTP.
#pragma once

#include "intake/header_pass.h"
#include "queue/envelope.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::intake {

struct OriginNames {
    std::string myhostname;
    std::string undisclosed_recipients_header;
    bool long_queue_ids = false;    // enable_long_queue_ids: an id is unique without a date
    bool obsolete_from = false;     // header_from_format = obsolete: "address (name)"
    std::string charset = "utf-8";  // full_name_encoding_charset
};

struct MissingHeaders {
    std::string text;        // whole lines, to be stored at the end of the header
    std::string message_id;  // the one that was made; empty if none was
    bool resent = false;     // it was made as Resent-Message-Id
};
MissingHeaders missing_headers(const HeaderPass& header, const queue::Envelope& envelope, const OriginNames& names);

// "Name <address>" or "address (Name)", quoted or encoded (RFC 2047) as the name demands; address in external form.
std::string from_with_name(std::string_view address, std::string_view full_name, const OriginNames& names);

// "Received: by HOST (MAIL_NAME[, from userid N])\r\n\tid QID; DATE\r\n"
std::string received_line(std::string_view myhostname, std::string_view by_what, const queue::Envelope& envelope);

}  // namespace posthaste::intake
