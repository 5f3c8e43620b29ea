// postconf(5) smtpd_reject_footer, smtpd_reject_footer_maps: text for people, at the end of every 4xx and 5xx reply.
#pragma once

#include "net/task.h"
#include "smtp/reply.h"

namespace posthaste::smtpd {

class Session;

// Appends the footer to a rejection. Both outlive the task.
net::Task<void> add_footer(const Session* session, smtp::Reply* reply);

}  // namespace posthaste::smtpd
