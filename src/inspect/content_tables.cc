// The tables of content inspection, see content_tables.h.
#include "inspect/content_tables.h"

#include "param/cleanup.h"

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

mime::StructureLimits read_structure_limits(const config::Config& config)
{
    auto size_of = [](int value) { return static_cast<std::size_t>(value); };
    return {.header_size = size_of(config.get(param::header_size_limit)),
            .boundary_length = size_of(config.get(param::mime_boundary_length_limit)),
            .nesting = size_of(config.get(param::mime_nesting_limit))};
}

}  // namespace posthaste::inspect
