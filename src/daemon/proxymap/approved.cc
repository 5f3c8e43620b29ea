// approved.cc — see approved.h.
#include "daemon/proxymap/approved.h"

#include "daemon/proxymap/protocol.h"
#include "table/text_source.h"

namespace posthaste::proxymap {

namespace {

using Names = std::set<std::string, std::less<>>;

void add_approved(std::string_view list, Names& names)
{
    const auto words = table::split_outside_braces(list, table::list_separators);
    if (!words)
        return;
    for (std::string_view word : *words) {
        const bool approved = word.starts_with(prefix);
        word = without_prefix(word);
        if (approved)
            names.emplace(word);
        // The members of a table in braces are asked for one by one, by whoever opens that table.
        if (const std::size_t brace = word.find('{'); brace != std::string_view::npos)
            if (auto inside = table::strip_braces(word.substr(brace)))
                add_approved(*inside, names);
    }
}

}  // namespace

Names approved_tables(std::string_view list)
{
    Names names;
    add_approved(list, names);
    return names;
}

Names listed_tables(std::string_view list)
{
    Names names;
    if (const auto words = table::split_outside_braces(list, table::list_separators))
        for (std::string_view word : *words)
            names.emplace(without_prefix(word));
    return names;
}

}  // namespace posthaste::proxymap
