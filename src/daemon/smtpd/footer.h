// postconf(5) smtpd_reject_footer: text for people, at the end of every 4xx and 5xx reply.
#pragma once

#include "smtp/reply.h"

namespace posthaste::smtpd {

class Session;

// Appends the footer to a rejection; other replies stay as they are.
void add_footer(const Session& session, smtp::Reply& reply);

}  // namespace posthaste::smtpd
