// sites.cc — see sites.h.
#include "daemon/flush/sites.h"

#include "address/local_part.h"

#include <fmt/format.h>

namespace posthaste::flush {

void Sites::add(std::string_view site, Subdomains subdomains)
{
    auto [entry, is_new] = sites_.try_emplace(address::fold_case(site), subdomains);
    if (subdomains == Subdomains::With)
        entry->second = Subdomains::With;
}

bool Sites::has(std::string_view site, Subdomains subdomains) const
{
    auto entry = sites_.find(address::fold_case(site));
    return entry != sites_.end() && (subdomains == Subdomains::Without || entry->second == Subdomains::With);
}

bool Sites::contain(std::string_view recipient) const
{
    const std::string folded = address::fold_case(address::split_at_domain(recipient).domain);
    std::string_view domain = folded;
    if (sites_.contains(domain))
        return true;
    for (std::size_t dot = domain.find('.'); dot != std::string_view::npos; dot = domain.find('.')) {
        domain.remove_prefix(dot + 1);
        if (auto entry = sites_.find(domain); entry != sites_.end() && entry->second == Subdomains::With)
            return true;
    }
    return false;
}

std::string Sites::text() const
{
    constexpr std::size_t most_named = 10;
    std::string text;
    std::size_t named = 0;
    for (const auto& [site, subdomains] : sites_) {
        if (named == most_named)
            return fmt::format("{} and {} more", text, sites_.size() - named);
        text += fmt::format("{}{}{}", named == 0 ? "" : ", ", subdomains == Subdomains::With ? "@" : "", site);
        ++named;
    }
    return text;
}

}  // namespace posthaste::flush
