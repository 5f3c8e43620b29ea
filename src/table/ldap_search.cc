// ldap_search.cc — see ldap_search.h.
#include "table/ldap_search.h"

#include "base/text.h"
#include "table/result_list.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::table {

namespace {

std::string_view without_options(std::string_view attribute) { return attribute.substr(0, attribute.find(';')); }

bool has_options(std::string_view attribute) { return attribute.find(';') != std::string_view::npos; }

// Whether what the server calls `found` was asked for as `wanted`: an attribute without options stands for all its
// sub-types.
bool stands_for(std::string_view wanted, std::string_view found)
{
    return equal_ignoring_case(wanted, has_options(wanted) ? found : without_options(found));
}

bool contains(const std::vector<std::string>& wanted, std::string_view found)
{
    return std::ranges::any_of(wanted, [&](const std::string& one) { return stands_for(one, found); });
}

std::vector<std::string> all_attributes(const LdapSource& source)
{
    std::vector<std::string> all = source.result_attributes;
    for (const auto* more : {&source.terminal_attributes, &source.leaf_attributes, &source.special_attributes})
        all.insert(all.end(), more->begin(), more->end());
    return all;
}

// One lookup with all its searches.
class Search {
public:
    Search(const LdapSource& source, LdapConnection& connection, const std::string& key, Moment deadline,
           std::vector<std::string>& warnings)
        : source_(source), connection_(connection), key_(key), deadline_(deadline), warnings_(warnings),
          attributes_(all_attributes(source)), list_(source.result_format, source.expansion_limit, key)
    {
    }

    Answer find(LdapQuery query)
    {
        query.attributes = attributes_;
        query.size_limit = source_.size_limit;
        TRY(search(query, 0));
        return list_.value();
    }

private:
    Result<void> search(const LdapQuery& query, int depth)
    {
        auto entries = connection_.search(query, deadline_);
        // What a DN or a URL refers to may be gone, and is then as if it had no attributes. A base that the key stands
        // in exists for the keys that are to be found; one that is always the same is a mistake of the settings.
        const bool missing = !entries && entries.error().kind() == ErrorKind::NotFound;
        if (missing && depth > 0) {
            warnings_.push_back(fmt::format("dict_ldap_get_values[{}]: DN {} not found, skipping", depth, query.base));
            return {};
        }
        if (missing && !source_.search_base.is_fixed())
            return {};
        if (missing)
            return fail(ErrorKind::Temporary,
                        fmt::format("dict_ldap_lookup: {}: Search base '{}' not found: 32: No such object",
                                    source_.source, query.base));
        if (!entries && entries.error().kind() == ErrorKind::Limit)
            warnings_.push_back(fmt::format("dict_ldap_lookup: {}", entries.error().text()));
        if (!entries)
            return fail(std::move(entries).error().in("dict_ldap_lookup"));
        for (const LdapEntry& entry : *entries)
            TRY(take(entry, depth));
        return {};
    }

    Result<void> take(const LdapEntry& entry, int depth)
    {
        const auto has = [&](const std::vector<std::string>& wanted) {
            return std::ranges::any_of(entry.attributes, [&](const auto& attribute) {
                return !attribute.second.empty() && contains(wanted, attribute.first);
            });
        };
        const bool terminal = has(source_.terminal_attributes);
        const bool leaf = !terminal && !has(source_.special_attributes);
        for (const auto& [name, values] : entry.attributes) {
            const bool is_result = terminal ? contains(source_.terminal_attributes, name)
                                            : contains(source_.result_attributes, name) ||
                                                  (leaf && contains(source_.leaf_attributes, name));
            const bool is_special = !terminal && contains(source_.special_attributes, name);
            for (const std::string& value : values) {
                if (is_special && depth + 1 >= source_.recursion_limit)
                    return over_limit(depth,
                                      fmt::format("Recursion limit exceeded for special attribute {}={}", name, value));
                if (is_special) {
                    TRY(follow(value, depth + 1));
                } else if (is_result) {
                    TRY(add(value, depth));
                }
            }
        }
        return {};
    }

    // A DN or a URL.
    Result<void> follow(const std::string& reference, int depth)
    {
        auto query = connection_.query_of_url(reference);
        if (query) {
            query->attributes = wanted_by_url(attributes_, query->attributes);
            if (query->attributes.empty())
                return {};
        } else {
            query = LdapQuery{
                .base = reference, .scope = LdapScope::Base, .filter = "(objectClass=*)", .attributes = attributes_};
        }
        query->size_limit = source_.size_limit;
        return search(*query, depth);
    }

    Result<void> add(const std::string& value, int depth)
    {
        if (value.empty()) {
            warnings_.push_back(
                fmt::format("table \"{}\": empty lookup result for: \"{}\" -- ignored", source_.table, key_));
            return {};
        }
        if (list_.add(value))
            return {};
        return over_limit(depth, fmt::format("Expansion limit exceeded for key: '{}'", key_));
    }

    Result<void> over_limit(int depth, std::string_view what)
    {
        warnings_.push_back(fmt::format("dict_ldap_get_values[{}]: {}: {}", depth + 1, source_.source, what));
        return fail(ErrorKind::Limit, "a limit of the table is exceeded");
    }

    const LdapSource& source_;
    LdapConnection& connection_;
    const std::string& key_;
    Moment deadline_;
    std::vector<std::string>& warnings_;
    std::vector<std::string> attributes_;
    ResultList list_;
};

}  // namespace

std::string quoted_for_dn(std::string_view text)
{
    constexpr std::string_view special = " \t\"#+,;<>\\";
    std::string quoted;
    for (const char c : text) {
        if (special.find(c) != std::string_view::npos)
            quoted += '\\';
        quoted += c;
    }
    return quoted;
}

std::string quoted_for_filter(std::string_view text)
{
    constexpr std::string_view special("*()\\\0", 5);
    std::string quoted;
    for (const char c : text)
        if (special.find(c) != std::string_view::npos)
            quoted += fmt::format("\\{:02X}", static_cast<unsigned char>(c));
        else
            quoted += c;
    return quoted;
}

std::vector<std::string> wanted_by_url(const std::vector<std::string>& source, const std::vector<std::string>& url)
{
    if (url.empty())
        return source;
    std::vector<std::string> wanted;
    for (const std::string& asked : url)
        for (const std::string& ours : source) {
            const bool same = has_options(asked) == has_options(ours)
                                  ? equal_ignoring_case(asked, ours)
                                  : equal_ignoring_case(without_options(asked), without_options(ours));
            if (same)
                wanted.push_back(has_options(asked) ? asked : ours);
        }
    return wanted;
}

Answer find_in_directory(const LdapSource& source, LdapConnection& connection, const std::string& key, Moment deadline,
                         std::vector<std::string>& warnings)
{
    const auto base = source.search_base.expand(key, key, quoted_for_dn);
    const auto filter = source.query_filter.expand(key, key, quoted_for_filter);
    if (!base || !filter)
        return not_found();
    return Search(source, connection, key, deadline, warnings)
        .find({.base = *base, .scope = source.scope, .filter = *filter, .attributes = {}});
}

}  // namespace posthaste::table
