// The envelope's recipients on their way into the queue, see recipients.h.
#include "intake/recipients.h"

#include "address/fold.h"
#include "base/text.h"
#include "base/trace.h"
#include "param/cleanup.h"
#include "param/rewrite.h"

#include <algorithm>
#include <fmt/format.h>
#include <ranges>
#include <unordered_set>

namespace posthaste::intake {

Result<std::unique_ptr<RecipientMapper>> RecipientMapper::open(const config::Config& config, routing::Router& router,
                                                               AddressRewriter& rewriter)
{
    std::unique_ptr<RecipientMapper> mapper(new RecipientMapper(config, router, rewriter));
    const Extensions extensions = lists_word(config.get(param::propagate_unmatched_extensions), "virtual")
                                      ? Extensions::Propagate
                                      : Extensions::Drop;
    TRY(mapper->virtual_aliases_,
        AddressTable::open("virtual_alias_maps", config.get(param::virtual_alias_maps), config, router, extensions));
    TRY(mapper->sender_bcc_,
        AddressTable::open("sender_bcc_maps", config.get(param::sender_bcc_maps), config, router, Extensions::Drop));
    TRY(mapper->recipient_bcc_, AddressTable::open("recipient_bcc_maps", config.get(param::recipient_bcc_maps), config,
                                                   router, Extensions::Drop));
    return mapper;
}

RecipientMapper::RecipientMapper(const config::Config& config, routing::Router& router, AddressRewriter& rewriter)
    : router_(router), rewriter_(rewriter), always_bcc_(config.get(param::always_bcc)),
      expansion_limit_(static_cast<std::size_t>(config.get(param::virtual_alias_expansion_limit))),
      recursion_limit_(static_cast<std::size_t>(config.get(param::virtual_alias_recursion_limit))),
      length_limit_(static_cast<std::size_t>(config.get(param::virtual_alias_address_length_limit))),
      duplicate_limit_(static_cast<std::size_t>(config.get(param::duplicate_filter_limit))),
      keeps_original_(config.get(param::enable_original_recipient))
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

namespace {
// Nobody hears of a copy: no notification tells what became of it.
queue::Recipient copy_for(std::string address)
{
    return {.address = std::move(address), .original = {}, .dsn_orcpt = {}, .notify = queue::notify_never};
}

bool is_from_outside(queue::Origin origin)
{
    return origin == queue::Origin::Smtpd || origin == queue::Origin::Sendmail || origin == queue::Origin::Qmqpd;
}
}  // namespace

void RecipientMapper::complete(queue::Envelope& envelope, std::vector<std::string> copies) const
{
    for (std::string& copy : copies)
        envelope.recipients.push_back(copy_for(std::move(copy)));
    for (queue::Recipient& recipient : envelope.recipients)
        recipient = completed(std::move(recipient));
}

Task<Accepted<>> RecipientMapper::map(queue::Envelope* envelope, std::vector<std::string> copies)
{
    complete(*envelope, {});
    Accepted<> done;
    if (rewriter_.changes(AddressPlace::EnvelopeRecipient)) {
        for (queue::Recipient& recipient : envelope->recipients) {
            if (done)
                done = co_await rewrite(&recipient);
        }
    }
    if (done && (!copies.empty() || !always_bcc_.empty() || !sender_bcc_.empty() || !recipient_bcc_.empty()))
        done = co_await add_copies(envelope, std::move(copies));
    if (done && !virtual_aliases_.empty())
        done = co_await expand_all(&envelope->recipients);
    if (!done)
        co_return done;
    if (envelope->recipients.size() > 1)
        remove_duplicates(envelope->recipients);
    co_return done;
}

Task<Accepted<>> RecipientMapper::rewrite(queue::Recipient* recipient)
{
    auto rewritten = co_await rewriter_.rewrite(recipient->address, AddressPlace::EnvelopeRecipient);
    if (!rewritten)
        co_return std::unexpected(std::move(rewritten.error()));
    if (*rewritten != recipient->address) {
        if (recipient->original.empty())
            recipient->original = std::move(recipient->address);
        recipient->address = std::move(*rewritten);
    }
    co_return Accepted<>();
}

// Automatic copies are for mail from outside, not for what is made inside of the mail system. A copy has no copies.
Task<Accepted<>> RecipientMapper::add_copies(queue::Envelope* envelope, std::vector<std::string> wanted)
{
    const bool automatic = is_from_outside(envelope->origin);
    std::vector<queue::Recipient> copies;
    for (std::string& copy : wanted)
        copies.push_back(copy_for(std::move(copy)));
    if (automatic && !always_bcc_.empty()) {
        trace::Step step("always_bcc", envelope->sender);
        step.result(always_bcc_);
        copies.push_back(copy_for(always_bcc_));
    }
    if (automatic && !sender_bcc_.empty() && !envelope->sender.empty()) {
        if (auto added = co_await add_copies_for(&sender_bcc_, envelope->sender, &copies); !added)
            co_return added;
    }
    if (automatic && !recipient_bcc_.empty()) {
        for (const queue::Recipient& recipient : envelope->recipients)
            if (auto added = co_await add_copies_for(&recipient_bcc_, recipient.address, &copies); !added)
                co_return added;
    }
    for (queue::Recipient& copy : copies) {
        copy = completed(std::move(copy));
        if (auto rewritten = co_await rewrite(&copy); !rewritten)
            co_return rewritten;
        copy.original.clear();  // nobody has written the address that was configured
        envelope->recipients.push_back(std::move(copy));
    }
    co_return Accepted<>();
}

Task<Accepted<>> RecipientMapper::add_copies_for(AddressTable* table, std::string address,
                                                 std::vector<queue::Recipient>* copies)
{
    auto found = co_await table->find(std::move(address));
    if (!found)
        co_return std::unexpected(std::move(found.error()));
    for (std::string& copy : *found)
        copies->push_back(copy_for(std::move(copy)));
    co_return Accepted<>();
}

Task<Accepted<>> RecipientMapper::expand_all(std::vector<queue::Recipient>* recipients)
{
    std::vector<queue::Recipient> expanded;
    expanded.reserve(recipients->size());
    for (queue::Recipient& recipient : *recipients)
        if (auto done = co_await expand(std::move(recipient), &expanded); !done)
            co_return done;
    *recipients = std::move(expanded);
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
        if (next.depth >= recursion_limit_)
            co_return refuse("unreasonable virtual_alias_maps map nesting");
        auto aliases = co_await virtual_aliases_.find(next.address);
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
