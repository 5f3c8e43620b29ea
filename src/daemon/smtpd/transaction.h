// One mail transaction of a session: from MAIL to the end of DATA, or RSET. RFC 5321 4.1.1.
#pragma once

#include "daemon/smtpd/incoming.h"
#include "daemon/smtpd/policy.h"
#include "smtp/mail_parameters.h"
#include "smtp/reply.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace posthaste::smtpd {

// What access tables asked for besides a verdict (access(5)); the last one of a kind counts.
struct AccessEffects {
    bool discard = false;
    bool hold = false;
    std::string filter;
    std::string redirect;
    std::vector<std::string> bcc;
    std::vector<std::string> prepend;  // header lines
};

// Owned by its session; made at MAIL. Dropping it before DATA's end leaves nothing behind.
struct Transaction {
    std::string sender;  // internal form
    smtp::MailParameters parameters;
    std::size_t recipients = 0;         // accepted
    std::string only_recipient;         // external form: for Received:
    std::size_t beyond_limit = 0;       // RCPT over smtpd_recipient_limit
    std::unique_ptr<Incoming> message;  // from the first accepted recipient on
    AccessEffects effects;
    PendingVerdicts pending;  // of sender restrictions, when they were evaluated at MAIL
};

}  // namespace posthaste::smtpd
