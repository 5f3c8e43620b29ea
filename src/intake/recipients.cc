// The envelope's recipients on their way into the queue, see recipients.h.
#include "intake/recipients.h"

#include "address/fold.h"
#include "address/header_list.h"
#include "address/local_part.h"
#include "base/text.h"
#include "log/events_cleanup.h"
#include "param/basics.h"
#include "param/cleanup.h"
#include "param/rewrite.h"

#include <algorithm>
#include <fmt/format.h>
#include <ranges>
#include <unordered_set>

namespace posthaste::intake {

namespace {

bool lists(std::string_view list, std::string_view word)
{
    return std::ranges::any_of(split(list, ", \t\r\n"), [word](auto item) { return equal_ignoring_case(item, word); });
}

// "user@domain" with "+ext" put behind its local part.
std::string with_extension(std::string_view address, std::string_view extension)
{
    auto parts = address::split_at_domain(address);
    std::string out(parts.local_part);
    out += extension;
    if (parts.has_domain)
        out.append("@").append(parts.domain);
    return out;
}

}  // namespace

Result<std::unique_ptr<RecipientMapper>> RecipientMapper::open(const config::Config& config, routing::Router& router)
{
    TRY(table::Maps maps, table::Maps::open(config.get(param::virtual_alias_maps)));
    return std::unique_ptr<RecipientMapper>(new RecipientMapper(config, router, std::move(maps)));
}

RecipientMapper::RecipientMapper(const config::Config& config, routing::Router& router, table::Maps maps)
    : router_(router), maps_(std::move(maps)), always_bcc_(config.get(param::always_bcc)),
      delimiter_(config.get(param::recipient_delimiter)),
      expansion_limit_(static_cast<std::size_t>(config.get(param::virtual_alias_expansion_limit))),
      recursion_limit_(static_cast<std::size_t>(config.get(param::virtual_alias_recursion_limit))),
      length_limit_(static_cast<std::size_t>(config.get(param::virtual_alias_address_length_limit))),
      duplicate_limit_(static_cast<std::size_t>(config.get(param::duplicate_filter_limit))),
      keeps_original_(config.get(param::enable_original_recipient)),
      propagates_extension_(lists(config.get(param::propagate_unmatched_extensions), "virtual"))
{
}

queue::Recipient RecipientMapper::completed(queue::Recipient recipient) const
{
    std::string canonical = router_.canonical_form(recipient.address, routing::RewriteContext::Local);
    if (canonical != recipient.address) {
        if (recipient.original.empty())
            recipient.original = std::move(recipient.address);
        recipient.address = std::move(canonical);
    }
    return recipient;
}

void RecipientMapper::complete(queue::Envelope& envelope) const
{
    for (queue::Recipient& recipient : envelope.recipients)
        recipient = completed(std::move(recipient));
}

Task<Accepted<>> RecipientMapper::map(queue::Envelope* envelope)
{
    // postconf(5) always_bcc: not for mail that is made inside of the mail system.
    bool from_outside = envelope->origin == queue::Origin::Smtpd || envelope->origin == queue::Origin::Sendmail ||
                        envelope->origin == queue::Origin::Qmqpd;
    if (!always_bcc_.empty() && from_outside)
        envelope->recipients.push_back({.address = always_bcc_, .original = {}, .dsn_orcpt = {}});
    complete(*envelope);
    if (!maps_.empty()) {
        std::vector<queue::Recipient> expanded;
        expanded.reserve(envelope->recipients.size());
        for (queue::Recipient& recipient : envelope->recipients) {
            auto done = co_await expand(std::move(recipient), &expanded);
            if (!done) {
                log::message_refused(envelope->queue_id, done.error().detail);
                co_return std::unexpected(std::move(done.error()));
            }
        }
        envelope->recipients = std::move(expanded);
    }
    if (envelope->recipients.size() > 1)
        remove_duplicates(envelope->recipients);
    co_return Accepted<>();
}

struct RecipientMapper::Pending {
    std::string address;
    std::size_t depth = 0;
};

// Depth first, in the order of the tables' results, so that recipients stay in the order in which they are written.
Task<Accepted<>> RecipientMapper::expand(queue::Recipient recipient, std::vector<queue::Recipient>* out)
{
    auto refuse = [&recipient](std::string_view why) {
        Rejection rejection = Rejection::alias_expansion();
        rejection.detail = fmt::format("{} for {} -- message not accepted, try again later", why, recipient.address);
        return std::unexpected(std::move(rejection));
    };
    std::size_t first = out->size();
    std::vector<Pending> stack{{recipient.address}};
    while (!stack.empty()) {
        Pending next = std::move(stack.back());
        stack.pop_back();
        auto aliases = co_await aliases_of(next.address);
        if (!aliases)
            co_return std::unexpected(std::move(aliases.error()));
        bool names_itself = std::ranges::any_of(
            *aliases, [&](const std::string& alias) { return equal_ignoring_case(alias, next.address); });
        if (aliases->empty() || (names_itself && aliases->size() == 1)) {
            queue::Recipient result = recipient;
            if (result.original.empty() && next.address != recipient.address)
                result.original = recipient.address;
            result.address = std::move(next.address);
            out->push_back(std::move(result));
            continue;
        }
        if (next.depth >= recursion_limit_)
            co_return refuse("unreasonable virtual_alias_maps map nesting");
        if (out->size() - first + stack.size() + aliases->size() > expansion_limit_)
            co_return refuse("unreasonable virtual_alias_maps map expansion size");
        for (std::string& alias : *aliases | std::views::reverse) {
            if (alias.size() > length_limit_)
                co_return refuse("unreasonable virtual_alias_maps result length");
            // An address that its own alias names is a mailbox: it is not looked up again.
            if (equal_ignoring_case(alias, next.address)) {
                queue::Recipient result = recipient;
                if (result.original.empty() && next.address != recipient.address)
                    result.original = recipient.address;
                result.address = alias;
                out->push_back(std::move(result));
            } else {
                stack.push_back({std::move(alias), next.depth + 1});
            }
        }
    }
    co_return Accepted<>();
}

// The aliases of an address in canonical form; none if it has no entry. A table that cannot answer is a 451.
Task<Accepted<std::vector<std::string>>> RecipientMapper::aliases_of(std::string address)
{
    bool local = false;
    if (auto parts = address::split_at_domain(address); parts.has_domain) {
        auto address_class = co_await router_.class_of(std::string(parts.domain));
        if (!address_class)
            co_return std::unexpected(Rejection(address_class.error()));
        local = *address_class == routing::AddressClass::Local;
    }
    table::AddressSearch search{
        .order = table::AddressOrder::Canonical, .recipient_delimiter = delimiter_, .domain_is_local = local};
    auto answer = co_await maps_.find_address(address, search);
    if (!answer)
        co_return std::unexpected(Rejection(answer.error()));
    std::vector<std::string> aliases;
    if (!*answer)
        co_return aliases;
    std::string_view extension = propagates_extension_ ? std::string_view((*answer)->extension) : std::string_view();
    std::string_view value = (*answer)->value;
    for (const auto& listed : address::parse_address_list(value).addresses) {
        std::string alias =
            listed.valid ? listed.address : std::string(value.substr(listed.begin, listed.end - listed.begin));
        // virtual(5): the result @domain keeps the user.
        if (!listed.valid && !alias.starts_with('@'))
            continue;
        if (alias.starts_with('@'))
            alias.insert(0, address::split_at_domain(address).local_part);
        else if (!extension.empty())
            alias = with_extension(alias, extension);
        aliases.push_back(router_.canonical_form(alias, routing::RewriteContext::Local));
    }
    if (aliases.empty()) {  // an entry that cannot be understood is not "no such user"
        Rejection rejection = Rejection::alias_expansion();
        rejection.detail = fmt::format("virtual_alias_maps: no address in \"{}\" for {}", value, address);
        co_return std::unexpected(std::move(rejection));
    }
    co_return aliases;
}

void RecipientMapper::remove_duplicates(std::vector<queue::Recipient>& recipients) const
{
    std::unordered_set<std::string> known;
    std::erase_if(recipients, [&](const queue::Recipient& recipient) {
        std::string key = address::fold_case(recipient.address);
        if (keeps_original_)
            key += '\n' + address::fold_case(recipient.original) + '\n' + address::fold_case(recipient.dsn_orcpt) +
                   '\n' + std::to_string(recipient.notify);
        if (known.contains(key))
            return true;
        if (duplicate_limit_ == 0 || known.size() < duplicate_limit_)
            known.insert(std::move(key));
        return false;
    });
}

}  // namespace posthaste::intake
