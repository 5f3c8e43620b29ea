// policy.cc — see policy.h.
#include "daemon/smtpd/policy.h"

#include "address/local_part.h"
#include "base/text.h"
#include "base/trace.h"
#include "daemon/smtpd/access_action.h"
#include "daemon/smtpd/session.h"
#include "log/log.h"
#include "net/loop.h"
#include "param/basics.h"
#include "param/smtpd.h"
#include "param/smtpd_tls.h"
#include "routing/owner_and_request.h"
#include "smtp/path.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::smtpd {

namespace {

using smtp::Reply;

// How a rejection names what it rejects: "<a@b>: Sender address rejected: ...".
struct Named {
    std::string subject;
    std::string_view what;
};

Named named(const Session& session, ListKind kind)
{
    switch (kind) {
    case ListKind::Client: return {session.client().for_log, "Client host"};
    case ListKind::Helo: return {session.helo(), "Helo command"};
    case ListKind::Sender: return {session.transaction() ? session.transaction()->sender : "", "Sender address"};
    case ListKind::Data: return {"DATA", "Data command"};
    case ListKind::EndOfData: return {"END-OF-MESSAGE", "End-of-data"};
    case ListKind::Etrn: return {std::string(session.etrn_site()), "Etrn command"};
    case ListKind::Relay:
    case ListKind::Recipient: break;
    }
    return {session.target() ? session.target()->address : "", "Recipient address"};
}

Reply rejected(int code, std::string_view enhanced, const Named& name, std::string_view text)
{
    return {code, fmt::format("{} <{}>: {} rejected: {}", smtp::with_class_of(code, enhanced), name.subject, name.what,
                              text)};
}

Reply table_failure(std::string_view subject)
{
    return {451, fmt::format("4.3.0 <{}>: Temporary lookup failure", subject)};
}

Verdict reject(Reply reply) { return {Decision::Reject, std::move(reply)}; }

// For whoever watches (base/trace.h).
std::string text_of(const Verdict& verdict)
{
    switch (verdict.decision) {
    case Decision::Dunno: break;
    case Decision::Permit: return "permit";
    case Decision::Reject: return "refuse: " + verdict.reply.line();
    }
    return "go on";
}

std::string_view parameter_of(ListKind kind)
{
    switch (kind) {
    case ListKind::Client: return "smtpd_client_restrictions";
    case ListKind::Helo: return "smtpd_helo_restrictions";
    case ListKind::Sender: return "smtpd_sender_restrictions";
    case ListKind::Relay: return "smtpd_relay_restrictions";
    case ListKind::Recipient: return "smtpd_recipient_restrictions";
    case ListKind::Data: return "smtpd_data_restrictions";
    case ListKind::EndOfData: return "smtpd_end_of_data_restrictions";
    case ListKind::Etrn: return "smtpd_etrn_restrictions";
    }
    return "";
}

Verdict permit_if(bool condition) { return {condition ? Decision::Permit : Decision::Dunno, {}}; }

bool is_qualified_host(std::string_view name) { return name.find('.') != std::string_view::npos; }

std::optional<Reply> check_helo_name(const Session& session, Rule rule)
{
    const std::string& helo = session.helo();
    Named name{helo, "Helo command"};
    int invalid = session.config().get(param::invalid_hostname_reject_code);
    if (helo.empty())
        return std::nullopt;
    if (helo.starts_with('[')) {
        if (!smtp::is_address_literal(helo))
            return rejected(invalid, "5.5.2", name, "invalid ip address");
        return std::nullopt;
    }
    bool numeric = std::ranges::all_of(helo, [](char c) { return is_ascii_digit(c) || c == '.'; });
    if (rule == Rule::RejectInvalidHelo) {
        if (!smtp::is_host_name(helo.ends_with('.') ? std::string_view(helo).substr(0, helo.size() - 1) : helo))
            return rejected(invalid, "5.5.2", name, "Invalid name");
        return std::nullopt;
    }
    if (numeric || !is_qualified_host(helo) || !smtp::is_host_name(helo))
        return rejected(session.config().get(param::non_fqdn_reject_code), "5.5.2", name,
                        "need fully-qualified hostname");
    return std::nullopt;
}

std::optional<Reply> check_qualified(const Session& session, std::string_view address, std::string_view what)
{
    if (address.empty() || equal_ignoring_case(address, "postmaster"))
        return std::nullopt;
    address::Split parts = address::split_at_domain(address);
    bool qualified =
        parts.has_domain && !parts.domain.empty() && (parts.domain.starts_with('[') || is_qualified_host(parts.domain));
    if (qualified)
        return std::nullopt;
    return rejected(session.config().get(param::non_fqdn_reject_code), "5.5.2", {std::string(address), what},
                    "need fully-qualified address");
}

// postconf(5) permit_auth_destination: ours, or a domain that we relay for, without another address inside.
bool is_authorized_destination(const Session& session)
{
    const Session::Target* target = session.target();
    if (!target)
        return false;
    if (target->route.sender_routed && !session.config().get(param::allow_untrusted_routing))
        return false;
    return target->route.address_class != routing::AddressClass::Default;
}

// How tables name the certificate of a client.
std::vector<table::AddressKey> fingerprint_keys(const tls::PeerCertificate& peer)
{
    return {{.text = peer.fingerprint, .extension = {}, .whole = true},
            {.text = peer.key_fingerprint, .extension = {}, .whole = true}};
}

// What a restriction that permits by itself looks at; nothing for those that ask a table or other restrictions.
std::optional<ListKind> permitted_subject(Rule rule, ListKind kind)
{
    switch (rule) {
    case Rule::Permit: return kind;
    case Rule::PermitMynetworks:
    case Rule::PermitInetInterfaces:
    case Rule::PermitTlsClientcerts:
    case Rule::PermitTlsAllClientcerts: return ListKind::Client;
    case Rule::PermitAuthDestination: return ListKind::Recipient;
    default: return std::nullopt;
    }
}

// Actions on the message, which ETRN has none of.
bool needs_message(AccessAction::Kind kind)
{
    using enum AccessAction::Kind;
    return kind == Discard || kind == Hold || kind == Filter || kind == Redirect || kind == Bcc || kind == Prepend;
}

// One evaluation of one list. Lives as long as its coroutine.
class Evaluation {
public:
    Evaluation(Session& session, ListKind kind, PendingVerdicts& pending)
        : session_(session), kind_(kind), pending_(pending)
    {
    }

    Task<Verdict> run(const RestrictionList* list);

private:
    Task<Verdict> apply(const Restriction* restriction);
    Task<Verdict> judge(const Restriction* restriction);
    Task<void> log_permit(std::string action, ListKind subject, std::string source);
    Verdict decide(const Restriction& restriction);
    [[nodiscard]] Verdict generic(config::IntParameter code, std::string_view enhanced, std::string_view text) const;
    [[nodiscard]] Verdict refuse_relaying(Rule rule) const;
    [[nodiscard]] Verdict check_form(Rule rule) const;
    Task<Verdict> check_access(const Restriction* restriction);
    Task<table::AddressAnswer> find(const Restriction* restriction, std::string_view subject);
    Task<Verdict> act(AccessAction action, Named name);
    Task<Verdict> check_listed(Rule rule);
    [[nodiscard]] bool asks_for_certificates(const Restriction& restriction) const;
    Task<Verdict> permit_known_certificate(const Restriction* restriction);
    void effect(AccessAction::Kind kind, const std::string& text, const Named& name);
    [[nodiscard]] const config::Config& config() const { return session_.config(); }

    Session& session_;
    ListKind kind_;
    PendingVerdicts& pending_;
    int depth_ = 0;
};

Task<Verdict> Evaluation::run(const RestrictionList* list)
{
    bool only_warn = false;
    for (const Restriction& restriction : *list) {
        if (restriction.rule == Rule::WarnIfReject) {
            only_warn = true;
            continue;
        }
        Verdict verdict = co_await apply(&restriction);
        if (verdict.decision == Decision::Reject && only_warn) {
            trace::Step step("warn_if_reject", restriction.name);
            step.result("only logged");
            session_.log_access("reject_warning", verdict.reply.line());
            verdict = {};
        }
        only_warn = false;
        if (verdict.decision != Decision::Dunno)
            co_return verdict;
    }
    co_return Verdict{};
}

Task<Verdict> Evaluation::apply(const Restriction* restriction)
{
    trace::Step step(restriction->name, restriction->argument);
    Verdict verdict = co_await judge(restriction);
    if (auto subject = permitted_subject(restriction->rule, kind_); subject && verdict.decision == Decision::Permit)
        co_await log_permit(restriction->name, *subject, "");
    if (step)
        step.result(text_of(verdict));
    co_return verdict;
}

// postconf(5) smtpd_log_access_permit_actions. source: the table that permits.
Task<void> Evaluation::log_permit(std::string action, ListKind subject, std::string source)
{
    match::List& wanted = session_.shared().logged_permits;
    if (wanted.empty() || trace::observer != nullptr)  // postconf explain asks, and nobody has come
        co_return;
    auto is_wanted = co_await wanted.matches_string(action);
    if (!is_wanted)
        log::warning("smtpd_log_access_permit_actions: {}", is_wanted.error().text());
    if (!is_wanted.value_or(false))
        co_return;
    const Named name = named(session_, subject);
    session_.log_access("permit", fmt::format("action={} for {}={} {}{}", action, name.what, name.subject,
                                              source.empty() ? "" : "from ", source));
}

Task<Verdict> Evaluation::judge(const Restriction* restriction)
{
    switch (restriction->rule) {
    case Rule::Sleep: co_await net::sleep_for(restriction->pause); co_return Verdict{};
    case Rule::RejectUnlistedRecipient:
    case Rule::RejectUnlistedSender: co_return co_await check_listed(restriction->rule);
    case Rule::CheckClientAccess:
    case Rule::CheckHeloAccess:
    case Rule::CheckSenderAccess:
    case Rule::CheckRecipientAccess:
    case Rule::CheckEtrnAccess:
    case Rule::CheckCcertAccess: co_return co_await check_access(restriction);
    case Rule::PermitTlsClientcerts: co_return co_await permit_known_certificate(restriction);
    case Rule::List: co_return co_await run(restriction->list.get());
    default: co_return decide(*restriction);
    }
}

// Restrictions that are decided by what the session knows already.
Verdict Evaluation::decide(const Restriction& restriction)
{
    const std::vector<std::string>& own = session_.shared().own_addresses;
    switch (restriction.rule) {
    case Rule::Permit: return permit_if(true);
    case Rule::PermitMynetworks:
        if (!session_.in_mynetworks())
            return reject(table_failure(session_.client().for_log));
        return permit_if(*session_.in_mynetworks());
    case Rule::PermitInetInterfaces: return permit_if(std::ranges::find(own, session_.client().address) != own.end());
    case Rule::PermitAuthDestination: return permit_if(is_authorized_destination(session_));
    case Rule::PermitTlsAllClientcerts:
        return permit_if(asks_for_certificates(restriction) && session_.tls() && session_.tls()->peer &&
                         session_.tls()->peer->trusted);
    case Rule::RejectPlaintextSession:
        if (session_.tls())
            return {};
        return reject({config().get(param::plaintext_reject_code),
                       fmt::format("{} Session encryption is required",
                                   smtp::with_class_of(config().get(param::plaintext_reject_code), "4.7.1"))});
    case Rule::Reject: return generic(param::reject_code, "5.7.1", "Access denied");
    case Rule::Defer: return generic(param::defer_code, "4.3.2", "Try again later");
    case Rule::DeferIfPermit:
        pending_.defer_if_permit = generic(param::defer_code, "4.3.2", "Service unavailable").reply;
        return {};
    case Rule::DeferIfReject:
        pending_.defer_if_reject = generic(param::defer_code, "4.3.2", "Service unavailable").reply;
        return {};
    case Rule::RejectUnauthDestination:
    case Rule::DeferUnauthDestination: return refuse_relaying(restriction.rule);
    case Rule::RejectUnauthPipelining:
    case Rule::RejectMultiRecipientBounce:
    case Rule::RejectNonFqdnHelo:
    case Rule::RejectInvalidHelo:
    case Rule::RejectNonFqdnSender:
    case Rule::RejectNonFqdnRecipient: return check_form(restriction.rule);
    case Rule::Broken:
        log::warning("{}", restriction.argument);
        return reject({451, "4.3.5 Server configuration error"});
    default: return {};
    }
}

// A restriction about certificates of clients that are never asked for one: they are logged, and let nobody in.
bool Evaluation::asks_for_certificates(const Restriction& restriction) const
{
    if (config().get(param::smtpd_tls_ask_ccert) || config().get(param::smtpd_tls_req_ccert))
        return true;
    log::warning("{} is requested, but \"smtpd_tls_ask_ccert = no\"", restriction.name);
    return false;
}

// postconf(5) permit_tls_clientcerts: the fingerprint of the certificate or of its key is in relay_clientcerts.
Task<Verdict> Evaluation::permit_known_certificate(const Restriction* restriction)
{
    if (!asks_for_certificates(*restriction) || !session_.tls() || !session_.tls()->peer)
        co_return Verdict{};
    auto found = co_await session_.shared().relay_clientcerts.find_first(fingerprint_keys(*session_.tls()->peer));
    if (!found) {
        log::warning("relay_clientcerts: {}", found.error().text());
        co_return reject(table_failure(session_.client().for_log));
    }
    co_return permit_if(found->has_value());
}

// A rejection of what this list is about, with the code that a parameter says.
Verdict Evaluation::generic(config::IntParameter code, std::string_view enhanced, std::string_view text) const
{
    return reject(rejected(config().get(code), enhanced, named(session_, kind_), text));
}

Verdict Evaluation::refuse_relaying(Rule rule) const
{
    if (!session_.target() || is_authorized_destination(session_))
        return {};
    int code = config().get(param::relay_domains_reject_code);
    if (rule == Rule::DeferUnauthDestination && code >= 500)
        code -= 100;
    return reject({code, fmt::format("{} <{}>: Relay access denied", smtp::with_class_of(code, "5.7.1"),
                                     session_.target()->address)});
}

// Restrictions on how things are said: names, addresses, pipelining, who a bounce goes to.
Verdict Evaluation::check_form(Rule rule) const
{
    const Transaction* mail = session_.transaction();
    std::optional<Reply> reply;
    switch (rule) {
    case Rule::RejectUnauthPipelining:
        if (session_.improper_pipelining())
            reply = rejected(503, "5.5.0", named(session_, kind_), "Improper use of SMTP command pipelining");
        break;
    case Rule::RejectMultiRecipientBounce:
        if (mail && mail->sender.empty() && mail->recipients + (kind_ == ListKind::Recipient ? 1 : 0) > 1)
            return generic(param::multi_recipient_bounce_reject_code, "5.5.3", "Multi-recipient bounce");
        break;
    case Rule::RejectNonFqdnSender:
        if (mail)
            reply = check_qualified(session_, mail->sender, "Sender address");
        break;
    case Rule::RejectNonFqdnRecipient:
        if (session_.target())
            reply = check_qualified(session_, session_.target()->address, "Recipient address");
        break;
    default: reply = check_helo_name(session_, rule);
    }
    return reply ? reject(std::move(*reply)) : Verdict{};
}

Task<Verdict> Evaluation::check_listed(Rule rule)
{
    bool recipient = rule == Rule::RejectUnlistedRecipient;
    if (recipient && !session_.target())
        co_return Verdict{};
    if (!recipient && (!session_.transaction() || session_.transaction()->sender.empty()))
        co_return Verdict{};
    auto reply = co_await unlisted_reply(&session_, recipient ? Listed::Recipient : Listed::Sender);
    co_return reply ? reject(std::move(*reply)) : Verdict{};
}

Task<Verdict> Evaluation::check_access(const Restriction* restriction)
{
    std::string subject;
    ListKind names{};
    switch (restriction->rule) {
    case Rule::CheckClientAccess:
        names = ListKind::Client;
        subject = session_.client().name;
        break;
    case Rule::CheckHeloAccess:
        names = ListKind::Helo;
        subject = session_.helo();
        if (subject.empty())
            co_return Verdict{};
        break;
    case Rule::CheckSenderAccess:
        names = ListKind::Sender;
        if (!session_.transaction())
            co_return Verdict{};
        subject = session_.transaction()->sender;
        break;
    case Rule::CheckCcertAccess:
        names = ListKind::Client;
        if (!session_.tls() || !session_.tls()->peer)
            co_return Verdict{};
        subject = session_.tls()->peer->common_name;
        break;
    case Rule::CheckEtrnAccess:
        names = ListKind::Etrn;
        subject = session_.etrn_site();
        if (subject.empty())
            co_return Verdict{};
        break;
    default:
        names = ListKind::Recipient;
        if (!session_.target())
            co_return Verdict{};
        subject = session_.target()->address;
    }
    Named name =
        restriction->rule == Rule::CheckCcertAccess ? Named{subject, "Client certificate"} : named(session_, names);
    auto answer = co_await find(restriction, subject);
    if (!answer) {
        log::warning("{} lookup error for \"{}\": {}", restriction->argument, subject, answer.error().text());
        co_return reject(rejected(451, "4.3.5", name, "Server configuration error"));
    }
    if (!*answer)
        co_return Verdict{};
    AccessCodes codes{config().get(param::access_map_reject_code), config().get(param::access_map_defer_code)};
    AccessAction action = parse_access_action((*answer)->value, codes);
    if (std::string_view problem = problem_of(action); !problem.empty()) {
        log::warning("access table {} entry \"{}\" {}", restriction->argument, (*answer)->key, problem);
        co_return Verdict{};
    }
    if (action.kind == AccessAction::Kind::Permit) {
        const std::string_view result = trim((*answer)->value);
        co_await log_permit(std::string(result.substr(0, result.find_first_of(" \t"))), names, restriction->argument);
    }
    co_return co_await act(std::move(action), std::move(name));
}

// access(5), "search order": addresses and names each with their less specific forms.
Task<table::AddressAnswer> Evaluation::find(const Restriction* restriction, std::string_view subject)
{
    table::ParentDomains parents = session_.shared().access_parents;
    table::Maps& maps = *restriction->maps;
    switch (restriction->rule) {
    case Rule::CheckClientAccess: {
        auto by_name = co_await maps.find_first(table::domain_keys(subject, parents));
        if (!by_name || *by_name)
            co_return by_name;
        co_return co_await maps.find_first(network_keys(session_.client().address));
    }
    case Rule::CheckCcertAccess: co_return co_await maps.find_first(fingerprint_keys(*session_.tls()->peer));
    case Rule::CheckHeloAccess:
    case Rule::CheckEtrnAccess: co_return co_await maps.find_first(table::domain_keys(subject, parents));
    default: break;
    }
    if (subject.empty())
        subject = config().get(param::smtpd_null_access_lookup_key);
    table::AddressSearch search{.order = table::AddressOrder::Access,
                                .recipient_delimiter = config().get(param::recipient_delimiter),
                                .parents = parents,
                                .names = routing::owner_and_request(config())};
    co_return co_await maps.find_address(subject, search);
}

void Evaluation::effect(AccessAction::Kind kind, const std::string& text, const Named& name)
{
    using Kind = AccessAction::Kind;
    auto triggers = [&](std::string_view word) {
        return text.empty() ? fmt::format("<{}>: {} triggers {} action", name.subject, name.what, word)
                            : fmt::format("<{}>: {} {}", name.subject, name.what, text);
    };
    AccessEffects unused;
    AccessEffects& effects = session_.transaction() ? session_.transaction()->effects : unused;
    switch (kind) {
    case Kind::Info: session_.log_access("info", text); break;
    case Kind::Warn: session_.log_access("warn", text); break;
    case Kind::Discard:
        session_.log_access("discard", triggers("DISCARD"));
        effects.discard = true;
        break;
    case Kind::Hold:
        session_.log_access("hold", triggers("HOLD"));
        effects.hold = true;
        break;
    case Kind::Filter:
        session_.log_access("filter", fmt::format("<{}>: {} triggers FILTER {}", name.subject, name.what, text));
        effects.filter = text;
        break;
    case Kind::Redirect:
        session_.log_access("redirect", fmt::format("<{}>: {} triggers REDIRECT {}", name.subject, name.what, text));
        effects.redirect = text;
        break;
    case Kind::Bcc:
        session_.log_access("bcc", fmt::format("<{}>: {} triggers BCC {}", name.subject, name.what, text));
        effects.bcc.push_back(text);
        break;
    case Kind::Prepend: effects.prepend.push_back(text); break;
    default: break;
    }
}

Task<Verdict> Evaluation::act(AccessAction action, Named name)
{
    using Kind = AccessAction::Kind;
    constexpr int deepest = 10;
    if (kind_ == ListKind::Etrn && needs_message(action.kind)) {
        log::warning("access table action for <{}> is unavailable in smtpd_etrn_restrictions", name.subject);
        co_return Verdict{};
    }
    switch (action.kind) {
    case Kind::Permit: co_return Verdict{Decision::Permit, {}};
    case Kind::Dunno: co_return Verdict{};
    case Kind::Reply: co_return reject(rejected(action.code, action.enhanced, name, action.text));
    case Kind::DeferIfPermit:
        pending_.defer_if_permit = rejected(action.code, action.enhanced, name, action.text);
        co_return Verdict{};
    case Kind::DeferIfReject:
        pending_.defer_if_reject = rejected(action.code, action.enhanced, name, action.text);
        co_return Verdict{};
    case Kind::Restrictions: {
        if (depth_ >= deepest) {
            log::warning("access tables refer to each other without end: \"{}\"", action.text);
            co_return reject({451, "4.3.5 Server configuration error"});
        }
        ++depth_;
        RestrictionList list = session_.shared().parser->parse(action.text, kind_);
        Verdict verdict = co_await run(&list);
        --depth_;
        co_return verdict;
    }
    default: effect(action.kind, action.text, name);
    }
    co_return Verdict{};
}

}  // namespace

std::vector<table::AddressKey> network_keys(std::string_view address)
{
    std::vector<table::AddressKey> keys{{.text = std::string(address), .extension = {}, .whole = true}};
    char separator = address.contains(':') ? ':' : '.';
    while (true) {
        std::size_t position = address.rfind(separator);
        if (position == std::string_view::npos || position == 0)
            return keys;
        address = address.substr(0, position);
        while (address.ends_with(separator))
            address.remove_suffix(1);
        keys.push_back({.text = std::string(address), .extension = {}, .whole = false});
    }
}

Task<std::optional<smtp::Reply>> unlisted_reply(Session* session, Listed which)
{
    bool recipient = which == Listed::Recipient;
    routing::Router& router = *session->shared().router;
    std::string address = recipient ? session->target()->address : session->transaction()->sender;
    std::string full = router.canonical_form(address, routing::RewriteContext::Local);
    Result<routing::RecipientStatus> status;
    routing::AddressClass address_class{};
    if (recipient) {
        address_class = session->target()->route.address_class;
        status = co_await router.check_recipient(full, session->target()->route);
    } else {
        auto route = co_await router.resolve("", full);
        if (!route)
            status = std::unexpected(std::move(route.error()));
        else {
            address_class = route->address_class;
            status = co_await router.check_sender(full, std::move(*route));
        }
    }
    if (!status) {
        log::warning("{}", status.error().text());
        co_return table_failure(address);
    }
    // RFC 5321 4.5.1: postmaster exists in every domain of ours.
    bool postmaster = equal_ignoring_case(address::split_at_domain(full).local_part, "postmaster");
    if (status->known || (postmaster && address_class == routing::AddressClass::Local))
        co_return std::nullopt;
    int code = session->config().get(param::unknown_local_recipient_reject_code);
    if (address_class == routing::AddressClass::Relay)
        code = session->config().get(param::unknown_relay_recipient_reject_code);
    else if (address_class == routing::AddressClass::VirtualAlias)
        code = session->config().get(param::unknown_virtual_alias_reject_code);
    else if (address_class == routing::AddressClass::VirtualMailbox)
        code = session->config().get(param::unknown_virtual_mailbox_reject_code);
    if (recipient && status->code.starts_with('4'))
        code = 450;
    // The code of a sender that is not listed is 5.1.0 (RFC 3463 3.2: "other address status").
    co_return rejected(code, recipient ? status->code : "5.1.0",
                       {address, recipient ? "Recipient address" : "Sender address"}, status->text);
}

void PendingVerdicts::add(const PendingVerdicts& other)
{
    if (!defer_if_permit)
        defer_if_permit = other.defer_if_permit;
    if (!defer_if_reject)
        defer_if_reject = other.defer_if_reject;
}

Task<Verdict> evaluate(Session* session, const RestrictionList* list, ListKind kind, PendingVerdicts* pending)
{
    Evaluation evaluation(*session, kind, *pending);
    trace::Step step(parameter_of(kind), trace::observer != nullptr ? named(*session, kind).subject : "");
    Verdict verdict = co_await evaluation.run(list);
    if (step)
        step.result(text_of(verdict));
    co_return verdict;
}

std::optional<smtp::Reply> conclude(std::optional<smtp::Reply> rejection, const PendingVerdicts& pending)
{
    if (rejection && rejection->code >= 500 && pending.defer_if_reject)
        return pending.defer_if_reject;
    if (!rejection && pending.defer_if_permit)
        return pending.defer_if_permit;
    return rejection;
}

}  // namespace posthaste::smtpd
