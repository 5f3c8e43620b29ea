// helo.cc — HELO and EHLO. RFC 5321 4.1.1.1.
#include "address/fold.h"
#include "address/local_part.h"
#include "daemon/smtpd/session.h"
#include "daemon/smtpd/tls.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/cleanup.h"
#include "param/smtpd.h"

namespace posthaste::smtpd {

smtp::ExtensionSet Session::offered_extensions() const
{
    smtp::ExtensionSet discarded = shared_->discarded_extensions;
    if (config_->get(param::disable_vrfy_command))
        discarded.add(smtp::Extension::Vrfy);
    if (tls_ || shared_->tls->level() == TlsLevel::None)
        discarded.add(smtp::Extension::Starttls);
    if (!config_->get(param::smtputf8_enable))
        discarded.add(smtp::Extension::Smtputf8);
    return smtp::implemented.without(discarded);
}

bool Session::declares_utf8(std::span<const std::string_view> parameters) const
{
    return offered_.has(smtp::Extension::Smtputf8) &&
           std::ranges::any_of(parameters, [](std::string_view word) { return equal_ignoring_case(word, "SMTPUTF8"); });
}

// RFC 6531 3.6: an address in UTF-8 wants SMTPUTF8 in its command. Without it a local part in UTF-8 is let through, as
// Postfix does unless strict_smtputf8 says otherwise: much software sends such addresses as they are. Nothing: no
// objection.
std::optional<Session::Reply> Session::check_utf8(std::string_view address, bool declared,
                                                  const std::function<Reply()>& bad_syntax) const
{
    if (declared || address::is_ascii(address))
        return std::nullopt;
    if (!address::is_ascii(address::split_at_domain(address).domain))
        return bad_syntax();
    if (config_->get(param::strict_smtputf8))
        return Reply{553, "5.6.7 Must declare SMTPUTF8 to send unicode address"};
    return std::nullopt;
}

Task<Session::Reply> Session::helo(smtp::Verb verb, std::string name)
{
    constexpr std::size_t longest = 255;
    bool extended = verb == smtp::Verb::Ehlo;
    if (name.empty())
        co_return Reply{501, std::string("Syntax: ") + (extended ? "EHLO" : "HELO") + " hostname"};
    name.resize(std::min({name.size(), name.find_first_of(" \t"), longest}));
    std::string previous = std::exchange(helo_, printable(name));
    if (!shared_->helo_restrictions.empty() && !config_->get(param::smtpd_delay_reject)) {
        pending_ = client_pending_;
        Verdict verdict = co_await evaluate(this, &shared_->helo_restrictions, ListKind::Helo, &pending_);
        if (verdict.decision == Decision::Reject) {
            log_access("reject", verdict.reply.line());
            helo_ = std::move(previous);
            co_return std::move(verdict.reply);
        }
    }
    reset_transaction();
    esmtp_ = extended;
    offered_ = offered_extensions();
    if (!extended)
        co_return Reply{250, config_->get(param::myhostname)};
    if (!shared_->verp_clients.empty()) {
        auto listed = co_await shared_->verp_clients.matches_host(client_.name, client_.address);
        if (listed.value_or(false) && !shared_->discarded_extensions.has(smtp::Extension::Verp))
            offered_.add(smtp::Extension::Verp);
    }
    const smtp::ExtensionSet discarded = shared_->discarded_extensions.with(co_await discarded_for_client());
    offered_ = offered_.without(discarded);
    if (!discarded.empty() && !discarded.has(smtp::Extension::SilentDiscard))
        log::info("discarding EHLO keywords:{}", smtp::keyword_names(discarded));
    auto limit = config_->get(param::message_size_limit);
    co_return Reply{250, smtp::ehlo_text(config_->get(param::myhostname), offered_, static_cast<std::uint64_t>(limit))};
}

// postconf(5) smtpd_discard_ehlo_keyword_address_maps.
Task<smtp::ExtensionSet> Session::discarded_for_client()
{
    if (shared_->discarded_extension_maps.empty())
        co_return smtp::ExtensionSet();
    auto found = co_await shared_->discarded_extension_maps.find(client_.address);
    if (!found)
        log::warning("smtpd_discard_ehlo_keyword_address_maps: {}", found.error().text());
    if (!found || !*found)
        co_return smtp::ExtensionSet();
    std::vector<std::string> unknown;
    co_return smtp::parse_discard_keywords(**found, unknown);
}

}  // namespace posthaste::smtpd
