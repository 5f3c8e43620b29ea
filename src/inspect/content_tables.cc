// The tables of content inspection, see content_tables.h.
#include "inspect/content_tables.h"

#include <algorithm>

namespace posthaste::inspect {

Result<void> ContentTables::open(CheckTable table, std::string_view parameter, std::string_view value)
{
    Named& named = tables_[static_cast<std::size_t>(table)];
    named.parameter = parameter;
    auto maps = table::Maps::open(value);
    if (!maps)
        return fail(std::move(maps).error().in(parameter));
    named.maps = std::move(*maps);
    return {};
}

bool ContentTables::empty() const
{
    return std::ranges::all_of(tables_, [](const Named& named) { return named.maps.empty(); });
}

}  // namespace posthaste::inspect
