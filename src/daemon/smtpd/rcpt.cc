// rcpt.cc — RCPT: one recipient of the message. RFC 5321 4.1.1.3, RFC 3461.
//
// Nothing is accepted for a foreign domain unless relay restrictions say so, and nothing for a user who does not
// exist; what cannot be told now is answered 451.
#include "address/local_part.h"
#include "base/trace.h"
#include "daemon/smtpd/session.h"
#include "log/events_smtpd.h"
#include "log/log.h"
#include "param/smtpd.h"
#include "smtp/path.h"

#include <fmt/format.h>

namespace posthaste::smtpd {

Task<Session::Reply> Session::rcpt(std::string arguments)
{
    if (!transaction_)
        co_return Reply{503, "5.5.1 Error: need MAIL command"};
    auto syntax = config_->get(param::strict_rfc821_envelopes) ? smtp::PathSyntax::Strict : smtp::PathSyntax::Lenient;
    auto path = smtp::parse_path_argument(arguments, "TO:", syntax);
    if (!path && path.error() == smtp::PathFault::Usage)
        co_return Reply{501, "5.5.4 Syntax: RCPT TO:<address>"};
    auto bad_address = [&] {
        log::smtpd_bad_address(client_.for_log, "RCPT", printable(std::string_view(arguments).substr(3)));
        return Reply{501, "5.1.3 Bad recipient address syntax"};
    };
    if (!path || path->address.empty())
        co_return bad_address();
    auto parameters = smtp::parse_rcpt_parameters(path->parameters, offered_);
    if (!parameters)
        co_return std::move(parameters.error());
    if (auto wrong = check_utf8(path->address, transaction_->parameters.smtputf8, bad_address))
        co_return std::move(*wrong);
    if (co_await is_too_fast(anvil::Event::Recipient, config_->get(param::smtpd_client_recipient_rate_limit),
                             log::RateLimit::RecipientRate))
        co_return Reply{450, "4.7.1 Error: too many recipients from " + client_.address};
    if (transaction_->recipients >= static_cast<std::size_t>(config_->get(param::smtpd_recipient_limit))) {
        ++transaction_->beyond_limit;
        co_return Reply{452, "4.5.3 Error: too many recipients"};
    }
    Target target{.address = std::move(path->address), .route = {}};
    std::optional<Reply> refused = co_await check_recipient(&target);
    if (refused && refused->code == 501 && target.route.malformed)
        co_return bad_address();
    if (refused)
        co_return std::move(*refused);
    if (auto failed = add_recipient(target, *parameters))
        co_return std::move(*failed);
    co_return Reply{250, "2.1.5 Ok"};
}

// What RCPT and VRFY ask. A refusal is logged, unless it is about the syntax.
Task<std::optional<Session::Reply>> Session::check_recipient(Target* target)
{
    target_ = target;
    std::optional<Reply> refused = co_await recipient_objection(target);
    if (refused && refused->code != 501)
        log_access("reject", refused->line());
    target_ = nullptr;
    co_return refused;
}

// Everything that can be said against a recipient, in the order in which Postfix says it.
Task<std::optional<Session::Reply>> Session::recipient_objection(Target* target)
{
    if (shared_->context->stand_alone)
        co_return std::nullopt;
    if (equal_ignoring_case(target->address, "postmaster"))  // RFC 5321 4.5.1
        co_return std::nullopt;
    routing::Router& router = *shared_->router;
    auto route = co_await router.resolve(transaction_ ? transaction_->sender : std::string(),
                                         router.canonical_form(target->address, routing::RewriteContext::Local));
    if (!route) {
        log::warning("{}", route.error().text());
        co_return Reply{451, fmt::format("4.3.0 <{}>: Temporary lookup failure", target->address)};
    }
    target->route = std::move(*route);
    if (target->route.malformed)
        co_return Reply{501, "5.1.3 Bad recipient address syntax"};

    PendingVerdicts pending = transaction_ ? transaction_->pending : PendingVerdicts();
    pending.add(pending_);
    struct Step {
        const RestrictionList* list;
        ListKind kind;
    };
    bool delayed = config_->get(param::smtpd_delay_reject);
    bool relay_first = config_->get(param::smtpd_relay_before_recipient_restrictions);
    const RestrictionList none;
    Step relay{&shared_->relay_restrictions, ListKind::Relay};
    Step recipient{&shared_->recipient_restrictions, ListKind::Recipient};
    const Step steps[] = {{delayed ? &shared_->client_restrictions : &none, ListKind::Client},
                          {delayed ? &shared_->helo_restrictions : &none, ListKind::Helo},
                          {delayed ? &shared_->sender_restrictions : &none, ListKind::Sender},
                          relay_first ? relay : recipient,
                          relay_first ? recipient : relay};
    for (const Step& step : steps) {
        if (step.list->empty())
            continue;
        Verdict verdict = co_await evaluate(this, step.list, step.kind, &pending);
        if (verdict.decision == Decision::Reject)
            co_return conclude(std::move(verdict.reply), pending);
    }
    co_return conclude(co_await check_unlisted(), pending);
}

// postconf(5) smtpd_reject_unlisted_recipient, smtpd_reject_unlisted_sender.
Task<std::optional<Session::Reply>> Session::check_unlisted()
{
    if (config_->get(param::smtpd_reject_unlisted_sender) && transaction_ && !transaction_->sender.empty()) {
        trace::Step step("smtpd_reject_unlisted_sender", transaction_->sender);
        auto refused = co_await unlisted_reply(this, Listed::Sender);
        if (step)
            step.result(refused ? "refuse: " + refused->line() : "go on");
        if (refused)
            co_return refused;
    }
    if (config_->get(param::smtpd_reject_unlisted_recipient) && !shared_->overrides.no_unknown_recipient_checks) {
        trace::Step step("smtpd_reject_unlisted_recipient", target_->address);
        auto refused = co_await unlisted_reply(this, Listed::Recipient);
        if (step)
            step.result(refused ? "refuse: " + refused->line() : "go on");
        co_return refused;
    }
    co_return std::nullopt;
}

std::optional<Session::Reply> Session::add_recipient(const Target& target, const smtp::RcptParameters& parameters)
{
    if (!transaction_->message) {
        if (auto failed = begin_message())
            return failed;
    }
    queue::Recipient recipient;
    recipient.address = target.address;
    recipient.dsn_orcpt = parameters.orcpt;
    recipient.notify = parameters.notify;
    transaction_->message->envelope().recipients.push_back(std::move(recipient));
    ++transaction_->recipients;
    transaction_->only_recipient = transaction_->recipients == 1 ? address::quote(target.address) : std::string();
    return std::nullopt;
}

}  // namespace posthaste::smtpd
