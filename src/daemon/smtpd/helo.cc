// helo.cc — HELO and EHLO. RFC 5321 4.1.1.1.
#include "daemon/smtpd/session.h"
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
    smtp::ExtensionSet known = smtp::implemented;
    if (may_use_verp_)
        known.add(smtp::Extension::Verp);
    return known.without(discarded);
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
        pending_ = {};
        Verdict verdict = co_await evaluate(this, &shared_->helo_restrictions, ListKind::Helo, &pending_);
        if (verdict.decision == Decision::Reject) {
            log_access("reject", verdict.reply.line());
            helo_ = std::move(previous);
            co_return std::move(verdict.reply);
        }
    }
    reset_transaction();
    esmtp_ = extended;
    if (!extended)
        co_return Reply{250, config_->get(param::myhostname)};
    if (!shared_->verp_clients.empty()) {
        auto listed = co_await shared_->verp_clients.matches_host(client_.name, client_.address);
        may_use_verp_ = listed.value_or(false);
    }
    smtp::ExtensionSet offered = offered_extensions();
    if (!shared_->discarded_extension_maps.empty()) {
        auto found = co_await shared_->discarded_extension_maps.find(client_.address);
        std::vector<std::string> unknown;
        if (found && *found)
            offered = offered.without(smtp::parse_discard_keywords(**found, unknown));
        else if (!found)
            log::warning("smtpd_discard_ehlo_keyword_address_maps: {}", found.error().text());
    }
    auto limit = config_->get(param::message_size_limit);
    co_return Reply{250, smtp::ehlo_text(config_->get(param::myhostname), offered, static_cast<std::uint64_t>(limit))};
}

}  // namespace posthaste::smtpd
