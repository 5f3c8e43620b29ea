// noop.cc — NOOP, and whatever smtpd_noop_commands names. RFC 5321 4.1.1.9.
#include "daemon/smtpd/session.h"

namespace posthaste::smtpd {

Session::Reply Session::noop() const { return {250, "2.0.0 Ok"}; }

}  // namespace posthaste::smtpd
