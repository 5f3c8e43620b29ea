// etrn.cc — ETRN: refused in Postfix's words, because no flush service keeps the logs that it needs. RFC 1985.
#include "daemon/smtpd/session.h"
#include "log/log.h"
#include "param/smtpd.h"

#include <fmt/format.h>

namespace posthaste::smtpd {

Session::Reply Session::etrn(std::string_view arguments)
{
    if (helo_.empty() && config_->get(param::smtpd_helo_required))
        return {503, "Error: send HELO/EHLO first"};
    if (transaction_)
        return {503, "Error: MAIL transaction in progress"};
    if (arguments.empty() || arguments.find_first_of(" \t") != std::string_view::npos)
        return {500, "Syntax: ETRN domain"};
    if (arguments.starts_with('@') || arguments.starts_with('#'))
        arguments.remove_prefix(1);
    if (arguments.empty() || arguments.starts_with('-'))
        return {501, "Error: invalid parameter syntax"};
    log::warning("reject: ETRN {}... from {}", printable(arguments), client_.for_log);
    return {459, fmt::format("<{}>: service unavailable", printable(arguments))};
}

}  // namespace posthaste::smtpd
