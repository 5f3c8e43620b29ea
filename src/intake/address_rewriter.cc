// Canonical tables and masquerading, see address_rewriter.h.
#include "intake/address_rewriter.h"

#include "address/local_part.h"
#include "base/text.h"
#include "base/trace.h"
#include "log/log.h"
#include "param/cleanup.h"
#include "param/rewrite.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace posthaste::intake {

namespace {

constexpr int most_lookups = 10;

struct PlaceName {
    std::string_view name;
    AddressPlace place;
};
constexpr std::array<PlaceName, 4> place_names{{{"envelope_sender", AddressPlace::EnvelopeSender},
                                                {"envelope_recipient", AddressPlace::EnvelopeRecipient},
                                                {"header_sender", AddressPlace::HeaderSender},
                                                {"header_recipient", AddressPlace::HeaderRecipient}}};

bool is_below(std::string_view domain, std::string_view parent)
{
    return domain.size() > parent.size() && domain[domain.size() - parent.size() - 1] == '.' &&
           equal_ignoring_case(domain.substr(domain.size() - parent.size()), parent);
}

}  // namespace

Result<std::unique_ptr<AddressRewriter>> AddressRewriter::open(const config::Config& config, routing::Router& router)
{
    auto rewriter = std::make_unique<AddressRewriter>();
    TRY(rewriter->open_canonical(config, router));
    TRY(rewriter->open_masquerade(config));
    return rewriter;
}

AddressRewriter::Places AddressRewriter::parse_places(std::string_view classes)
{
    Places places = 0;
    for (std::string_view word : split(classes, ", \t\r\n"))
        for (const PlaceName& name : place_names)
            if (word == name.name)
                places |= static_cast<Places>(name.place);
    return places;
}

Result<void> AddressRewriter::open_canonical(const config::Config& config, routing::Router& router)
{
    struct Source {
        std::string_view parameter;
        const std::string& tables;
        const std::string& classes;
    };
    const Source sources[] = {
        {"sender_canonical_maps", config.get(param::sender_canonical_maps),
         config.get(param::sender_canonical_classes)},
        {"recipient_canonical_maps", config.get(param::recipient_canonical_maps),
         config.get(param::recipient_canonical_classes)},
        {"canonical_maps", config.get(param::canonical_maps), config.get(param::canonical_classes)}};
    const bool propagates = lists_word(config.get(param::propagate_unmatched_extensions), "canonical");
    for (const Source& source : sources) {
        Canonical canonical{.parameter = source.parameter, .table = {}, .places = parse_places(source.classes)};
        TRY(canonical.table, AddressTable::open(source.parameter, source.tables, config, router,
                                                propagates ? Extensions::Propagate : Extensions::Drop));
        if (canonical.table.empty())
            continue;
        places_ |= canonical.places;
        canonical_.push_back(std::move(canonical));
    }
    return {};
}

Result<void> AddressRewriter::open_masquerade(const config::Config& config)
{
    masquerade_places_ = parse_places(config.get(param::masquerade_classes));
    TRY(masquerade_exceptions_, match::List::parse(config.get(param::masquerade_exceptions), match::Kind::String));
    for (std::string_view word : split(config.get(param::masquerade_domains), ", \t\r\n")) {
        const bool kept = word.starts_with('!');
        masquerade_domains_.push_back({.name = std::string(word.substr(kept ? 1 : 0)), .kept = kept});
    }
    if (!masquerade_domains_.empty())
        places_ |= masquerade_places_;
    return {};
}

Task<Accepted<std::string>> AddressRewriter::rewrite(std::string address, AddressPlace place)
{
    for (Canonical& canonical : canonical_) {
        if (!has(canonical.places, place))
            continue;
        auto found = co_await look_up(&canonical, std::move(address));
        if (!found)
            co_return found;
        address = std::move(*found);
    }
    if (!masquerade_domains_.empty() && has(masquerade_places_, place))
        co_return co_await masquerade(std::move(address));
    co_return address;
}

// An answer is looked up in its turn. Who writes a circle gets what the tenth step says.
Task<Accepted<std::string>> AddressRewriter::look_up(Canonical* canonical, std::string address)
{
    for (int lookups = 0; lookups < most_lookups; ++lookups) {
        auto found = co_await canonical->table.find(address);
        if (!found)
            co_return std::unexpected(std::move(found.error()));
        if (found->empty())
            co_return address;
        if (found->size() > 1)
            log::warning("{}: more than one address for {}: only the first counts", canonical->parameter, address);
        if (equal_ignoring_case(found->front(), address))
            co_return std::move(found->front());
        address = std::move(found->front());
    }
    log::warning("unreasonable {} map nesting for {}", canonical->parameter, address);
    co_return address;
}

// postconf(5) masquerade_domains: the first that the domain is, or is below, decides.
Task<Accepted<std::string>> AddressRewriter::masquerade(std::string address)
{
    auto parts = address::split_at_domain(address);
    if (!parts.has_domain)
        co_return address;
    trace::Step step("masquerade_domains", address);
    const MasqueradedDomain* first = nullptr;
    for (const MasqueradedDomain& domain : masquerade_domains_) {
        if (equal_ignoring_case(parts.domain, domain.name) || is_below(parts.domain, domain.name)) {
            first = &domain;
            break;
        }
    }
    if (first == nullptr || first->kept || equal_ignoring_case(parts.domain, first->name))
        co_return address;
    CO_TRY(bool excepted, co_await masquerade_exceptions_.matches_string(parts.local_part));
    if (!excepted)
        address = std::string(parts.local_part) + "@" + first->name;
    step.result(excepted ? "the user is one of masquerade_exceptions" : std::string_view(address));
    co_return address;
}

}  // namespace posthaste::intake
