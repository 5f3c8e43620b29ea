// stale_index.h — an index (hash, btree, lmdb, cdb) whose source was changed after it: postconf(5) stale_index_action.
//
// The table of the index is wrapped into one that looks, once a second at most, whether its source is younger. Then it
// warns, or reads the source into memory and answers from that until there is a new index. Which program makes the
// index is told by what postalias(1) puts into it (the entry "@").
//
// A source in memory is bounded by max_source_in_memory; one with any line that postmap would leave out is not used,
// because somebody may be in the middle of writing it. What `postmap -F` made is recognised by its values and never
// read: its source has the names of files.
#pragma once

#include "table/registry.h"

#include <string>
#include <string_view>

namespace posthaste::table {

constexpr std::size_t max_source_in_memory = std::size_t{64} << 20;

// The suffix of the index file of this type; empty for types without one.
std::string_view index_suffix(std::string_view type);

// The table as request.options.stale_index wants it; unchanged if it has no index.
std::unique_ptr<Table> follow_source(std::unique_ptr<Table> index, const OpenRequest& request);

}  // namespace posthaste::table
