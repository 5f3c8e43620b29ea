// rset.cc — RSET, and the end of a transaction for whatever reason. RFC 5321 4.1.1.5.
#include "daemon/smtpd/session.h"

namespace posthaste::smtpd {

void Session::reset_transaction()
{
    transaction_.reset();
    data_bytes_.reset();
}

Session::Reply Session::rset(std::string_view arguments)
{
    if (!arguments.empty())
        return {501, "5.5.4 Syntax: RSET"};
    reset_transaction();
    return {250, "2.0.0 Ok"};
}

}  // namespace posthaste::smtpd
