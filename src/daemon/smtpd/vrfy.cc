// vrfy.cc — VRFY: would mail for this address be taken? RFC 5321 4.1.1.6.
//
// The answer is that of the recipient restrictions, not of the mailbox: 252 promises nothing.
#include "daemon/smtpd/session.h"
#include "param/smtpd.h"
#include "smtp/path.h"

namespace posthaste::smtpd {

Task<Session::Reply> Session::vrfy(std::string arguments)
{
    if (config_->get(param::disable_vrfy_command))
        co_return Reply{502, "5.5.1 VRFY command is disabled"};
    if (arguments.empty())
        co_return Reply{501, "5.5.4 Syntax: VRFY address [SMTPUTF8]"};
    const std::string text = "TO:" + arguments;
    auto path = smtp::parse_path_argument(text, "TO:", smtp::PathSyntax::Lenient);
    const auto bad_address = [] { return Reply{501, "5.1.3 Bad recipient address syntax"}; };
    if (!path || path->address.empty())
        co_return bad_address();
    const bool utf8 = declares_utf8(path->parameters);
    if (path->parameters.size() > (utf8 ? 1 : 0))
        co_return bad_address();
    if (auto wrong = check_utf8(path->address, utf8, bad_address))
        co_return std::move(*wrong);
    std::string asked(path->path);
    Target target{.address = std::move(path->address), .route = {}};
    if (auto refused = co_await check_recipient(&target))
        co_return std::move(*refused);
    co_return Reply{252, "2.0.0 " + asked};
}

}  // namespace posthaste::smtpd
