// restriction.cc — see restriction.h.
#include "daemon/smtpd/restriction.h"

#include "base/text.h"
#include "config/value.h"
#include "param/smtpd.h"
#include "table/text_source.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <numeric>

namespace posthaste::smtpd {

namespace {

enum class Takes : std::uint8_t { Nothing, Table, Time };

struct Known {
    std::string_view name;
    Rule rule;
    Takes takes = Takes::Nothing;
};

constexpr std::array known{
    Known{"permit", Rule::Permit},
    Known{"reject", Rule::Reject},
    Known{"defer", Rule::Defer},
    Known{"defer_if_permit", Rule::DeferIfPermit},
    Known{"defer_if_reject", Rule::DeferIfReject},
    Known{"warn_if_reject", Rule::WarnIfReject},
    Known{"sleep", Rule::Sleep, Takes::Time},
    Known{"permit_inet_interfaces", Rule::PermitInetInterfaces},
    Known{"permit_mynetworks", Rule::PermitMynetworks},
    Known{"permit_sasl_authenticated", Rule::PermitNobody},
    Known{"permit_tls_clientcerts", Rule::PermitTlsClientcerts},
    Known{"permit_tls_all_clientcerts", Rule::PermitTlsAllClientcerts},
    Known{"reject_plaintext_session", Rule::RejectPlaintextSession},
    Known{"permit_auth_destination", Rule::PermitAuthDestination},
    Known{"reject_unauth_destination", Rule::RejectUnauthDestination},
    Known{"defer_unauth_destination", Rule::DeferUnauthDestination},
    Known{"reject_unauth_pipelining", Rule::RejectUnauthPipelining},
    Known{"reject_multi_recipient_bounce", Rule::RejectMultiRecipientBounce},
    Known{"reject_unlisted_recipient", Rule::RejectUnlistedRecipient},
    Known{"check_recipient_maps", Rule::RejectUnlistedRecipient},
    Known{"reject_unlisted_sender", Rule::RejectUnlistedSender},
    Known{"reject_non_fqdn_helo_hostname", Rule::RejectNonFqdnHelo},
    Known{"reject_non_fqdn_hostname", Rule::RejectNonFqdnHelo},
    Known{"reject_non_fqdn_sender", Rule::RejectNonFqdnSender},
    Known{"reject_non_fqdn_recipient", Rule::RejectNonFqdnRecipient},
    Known{"reject_invalid_helo_hostname", Rule::RejectInvalidHelo},
    Known{"reject_invalid_hostname", Rule::RejectInvalidHelo},
    Known{"check_client_access", Rule::CheckClientAccess, Takes::Table},
    Known{"check_helo_access", Rule::CheckHeloAccess, Takes::Table},
    Known{"check_sender_access", Rule::CheckSenderAccess, Takes::Table},
    Known{"check_recipient_access", Rule::CheckRecipientAccess, Takes::Table},
    Known{"check_etrn_access", Rule::CheckEtrnAccess, Takes::Table},
    Known{"check_ccert_access", Rule::CheckCcertAccess, Takes::Table},
};

// What Postfix has and we do not have yet: refused with these words instead of "unknown".
constexpr std::array<std::string_view, 41> planned{
    "check_policy_service",
    "check_reverse_client_hostname_access",
    "check_sasl_access",
    "check_client_a_access",
    "check_client_mx_access",
    "check_client_ns_access",
    "check_reverse_client_hostname_a_access",
    "check_reverse_client_hostname_mx_access",
    "check_reverse_client_hostname_ns_access",
    "reject_unknown_client_hostname",
    "reject_unknown_client",
    "reject_unknown_reverse_client_hostname",
    "reject_rbl_client",
    "reject_rbl",
    "permit_dnswl_client",
    "reject_rhsbl_client",
    "permit_rhswl_client",
    "reject_rhsbl_reverse_client",
    "check_helo_a_access",
    "check_helo_mx_access",
    "check_helo_ns_access",
    "reject_unknown_helo_hostname",
    "reject_unknown_hostname",
    "reject_rhsbl_helo",
    "check_sender_a_access",
    "check_sender_mx_access",
    "check_sender_ns_access",
    "reject_unknown_sender_domain",
    "reject_unknown_address",
    "reject_unverified_sender",
    "reject_sender_login_mismatch",
    "reject_authenticated_sender_login_mismatch",
    "reject_unauthenticated_sender_login_mismatch",
    "reject_known_sender_login_mismatch",
    "reject_rhsbl_sender",
    "check_recipient_a_access",
    "check_recipient_mx_access",
    "check_recipient_ns_access",
    "reject_unknown_recipient_domain",
    "reject_unverified_recipient",
    "reject_rhsbl_recipient",
};

std::size_t edit_distance(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            std::size_t above = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
            diagonal = above;
        }
    }
    return row[b.size()];
}

// The known name that was probably meant, or nothing.
std::string_view nearest_name(std::string_view word)
{
    std::string_view best;
    std::size_t distance = std::max<std::size_t>(word.size() / 4, 2) + 1;
    auto consider = [&](std::string_view name) {
        if (std::size_t d = edit_distance(word, name); d < distance) {
            distance = d;
            best = name;
        }
    };
    for (const Known& k : known)
        consider(k.name);
    for (std::string_view name : planned)
        consider(name);
    return best;
}

Restriction broken(std::string_view name, std::string line)
{
    return {.rule = Rule::Broken, .name = std::string(name), .argument = std::move(line), .maps = {}, .list = {}};
}

Rule access_rule_of(ListKind kind)
{
    switch (kind) {
    case ListKind::Client: return Rule::CheckClientAccess;
    case ListKind::Helo: return Rule::CheckHeloAccess;
    case ListKind::Sender: return Rule::CheckSenderAccess;
    case ListKind::Etrn: return Rule::CheckEtrnAccess;
    default: return Rule::CheckRecipientAccess;
    }
}

}  // namespace

// The words of one list; words in braces count as one.
class RestrictionParser::Elements {
public:
    explicit Elements(std::vector<std::string_view> words) : words_(std::move(words)) {}
    [[nodiscard]] bool empty() const { return next_ == words_.size(); }
    std::string_view take() { return words_[next_++]; }

private:
    std::vector<std::string_view> words_;
    std::size_t next_ = 0;
};

RestrictionParser::RestrictionParser(std::shared_ptr<const config::Config> config) : config_(std::move(config))
{
    for (std::string_view name : split(config_->get(param::smtpd_restriction_classes), table::list_separators))
        classes_.emplace_back(name);
}

RestrictionList RestrictionParser::parse(std::string_view text, ListKind kind)
{
    RestrictionList list;
    auto words = table::split_outside_braces(text, table::list_separators);
    if (!words) {
        list.push_back(broken(text, words.error().text()));
        return list;
    }
    Elements elements(std::move(*words));
    while (!elements.empty())
        parse_element(elements, list, kind);
    return list;
}

void RestrictionParser::parse_element(Elements& elements, RestrictionList& list, ListKind kind)
{
    std::string_view word = elements.take();
    const auto* found =
        std::ranges::find_if(known, [word](const Known& k) { return equal_ignoring_case(k.name, word); });
    if (found != known.end()) {
        if (found->takes == Takes::Nothing) {
            list.push_back({.rule = found->rule, .name = std::string(word), .argument = {}, .maps = {}, .list = {}});
        } else if (elements.empty()) {
            list.push_back(broken(word, fmt::format("restriction {} needs an argument", word)));
        } else if (found->takes == Takes::Table) {
            list.push_back(check_access(found->rule, word, elements.take()));
        } else {
            auto pause = config::parse_time(elements.take(), 's', {0, 86400});
            list.push_back(pause ? Restriction{.rule = Rule::Sleep,
                                               .name = std::string(word),
                                               .argument = {},
                                               .maps = {},
                                               .list = {},
                                               .pause = *pause}
                                 : broken(word, fmt::format("restriction {}: {}", word, pause.error().text())));
        }
        return;
    }
    if (std::ranges::find(classes_, word) != classes_.end()) {
        list.push_back(restriction_class(word, kind));
        return;
    }
    if (word.find(':') != std::string_view::npos) {
        list.push_back(check_access(access_rule_of(kind), word, word));
        return;
    }
    bool is_planned = std::ranges::any_of(planned, [word](auto name) { return equal_ignoring_case(name, word); });
    if (is_planned) {
        list.push_back(broken(word, fmt::format("smtpd restriction \"{}\" is not implemented yet", word)));
        return;
    }
    std::string_view nearest = nearest_name(to_lower(word));
    list.push_back(broken(word, fmt::format("unknown smtpd restriction: \"{}\"{}", word,
                                            nearest.empty() ? "" : fmt::format(" (did you mean {}?)", nearest))));
}

std::shared_ptr<table::Maps> RestrictionParser::open_maps(std::string_view table, std::string& problem)
{
    if (auto position = maps_.find(table); position != maps_.end())
        return position->second;
    auto maps = table::Maps::open(table);
    if (!maps || maps->tables().size() != 1) {
        problem = maps ? fmt::format("\"{}\" is no lookup table (type:name)", table) : maps.error().text();
        return nullptr;
    }
    auto shared = std::make_shared<table::Maps>(std::move(*maps));
    maps_.emplace(table, shared);
    return shared;
}

Restriction RestrictionParser::check_access(Rule rule, std::string_view name, std::string_view table)
{
    std::string problem;
    std::shared_ptr<table::Maps> maps = open_maps(table, problem);
    if (!maps)
        return broken(name, fmt::format("restriction {}: {}", name, problem));
    return {
        .rule = rule, .name = std::string(name), .argument = std::string(table), .maps = std::move(maps), .list = {}};
}

Restriction RestrictionParser::restriction_class(std::string_view name, ListKind kind)
{
    constexpr int deepest = 10;
    auto text = config_->value_of(name);
    if (!text || !*text)
        return broken(name, fmt::format("restriction class {} has no value", name));
    if (depth_ >= deepest)
        return broken(name, fmt::format("restriction class {} refers to itself", name));
    ++depth_;
    auto list = std::make_shared<const RestrictionList>(parse(**text, kind));
    --depth_;
    return {.rule = Rule::List, .name = std::string(name), .argument = {}, .maps = {}, .list = std::move(list)};
}

bool stops_relaying(const RestrictionList& list)
{
    bool only_warned = false;
    for (const Restriction& restriction : list) {
        switch (restriction.rule) {
        case Rule::RejectUnauthDestination:
        case Rule::DeferUnauthDestination:
        case Rule::Reject:
        case Rule::Defer:
        case Rule::DeferIfPermit:
        case Rule::Broken:
            if (!only_warned)
                return true;
            break;
        case Rule::List:
            if (!only_warned && stops_relaying(*restriction.list))
                return true;
            break;
        default: break;
        }
        only_warned = restriction.rule == Rule::WarnIfReject;
    }
    return false;
}

}  // namespace posthaste::smtpd
