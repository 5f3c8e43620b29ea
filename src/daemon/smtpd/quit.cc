// quit.cc — QUIT. RFC 5321 4.1.1.10.
#include "daemon/smtpd/session.h"

namespace posthaste::smtpd {

Session::Reply Session::quit()
{
    over_ = true;
    return {221, "2.0.0 Bye"};
}

}  // namespace posthaste::smtpd
