// help.cc — HELP. RFC 5321 4.1.1.8.
#include "daemon/smtpd/session.h"

namespace posthaste::smtpd {

Session::Reply Session::help() const
{
    return {214, "2.0.0 Commands: HELO EHLO MAIL RCPT DATA RSET NOOP VRFY ETRN HELP QUIT"};
}

}  // namespace posthaste::smtpd
