// etrn.cc — ETRN: the client asks for the mail that waits for its site. RFC 1985.
//
// The flush service decides whether the site may ask, and does the work after the answer. "@" before the domain means
// its subdomains, too; "#" (a queue's own name) is taken for a domain, as Postfix takes both.
#include "daemon/smtpd/session.h"
#include "log/log.h"
#include "param/services.h"
#include "param/smtpd.h"
#include "server/flush_client.h"

#include <fmt/format.h>

namespace posthaste::smtpd {

Task<Session::Reply> Session::etrn(std::string arguments)
{
    if (helo_.empty() && config_->get(param::smtpd_helo_required))
        co_return Reply{503, "Error: send HELO/EHLO first"};
    if (transaction_)
        co_return Reply{503, "Error: MAIL transaction in progress"};
    if (arguments.empty() || arguments.find_first_of(" \t") != std::string::npos)
        co_return Reply{500, "Syntax: ETRN domain"};
    const auto subdomains = arguments.front() == '@' ? flush::Subdomains::With : flush::Subdomains::Without;
    if (arguments.front() == '@' || arguments.front() == '#')
        arguments.erase(0, 1);
    if (!flush::is_valid_site(arguments))
        co_return Reply{501, "Error: invalid parameter syntax"};
    if (auto refused = co_await check_etrn(arguments))
        co_return std::move(*refused);

    auto outcome = co_await server::ask_flush_service(config_->get(param::flush_service_name),
                                                      {.site = arguments, .subdomains = subdomains});
    if (!outcome)
        log::warning("unable to talk to fast flush service: {}", outcome.error().text());
    if (!outcome || *outcome == flush::Outcome::Failed)
        co_return Reply{458, "Unable to queue messages"};
    if (*outcome == flush::Outcome::Started)
        co_return Reply{250, "Queuing started"};
    log::warning("reject: ETRN {}... from {}", arguments, client_.for_log);
    co_return Reply{459, fmt::format("<{}>: service unavailable", arguments)};
}

// postconf(5) smtpd_etrn_restrictions, and what was put off until something is asked for.
Task<std::optional<Session::Reply>> Session::check_etrn(std::string site)
{
    if (shared_->context->stand_alone)
        co_return std::nullopt;
    etrn_site_ = site;
    PendingVerdicts pending = pending_;
    std::optional<Reply> refused;
    const bool delayed = config_->get(param::smtpd_delay_reject);
    const RestrictionList none;
    const std::pair<const RestrictionList*, ListKind> steps[] = {
        {delayed ? &shared_->client_restrictions : &none, ListKind::Client},
        {delayed ? &shared_->helo_restrictions : &none, ListKind::Helo},
        {&shared_->etrn_restrictions, ListKind::Etrn}};
    for (const auto& [list, kind] : steps) {
        Verdict verdict = co_await evaluate(this, list, kind, &pending);
        if (verdict.decision == Decision::Reject) {
            refused = std::move(verdict.reply);
            break;
        }
    }
    refused = conclude(std::move(refused), pending);
    if (refused)
        log_access("reject", refused->line());
    etrn_site_ = {};
    co_return refused;
}

}  // namespace posthaste::smtpd
