// maps.h — a list of tables, as a parameter names it, searched in order: `hash:/a, inline:{k=v} static:x`.
//
// The first table that has the key answers; the first that fails ends the search with its error, because a later
// table must not turn "cannot tell" into an answer. An empty value is an error of the table's author and counts as
// Temporary.
#pragma once

#include "table/address_keys.h"
#include "table/table.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::table {

// What an address lookup found.
struct AddressHit {
    std::string value;
    std::string key;        // the key that matched, as it was looked up
    std::string extension;  // with its delimiter: what the matching key left out ("+foo"), or empty
};
using AddressAnswer = Result<std::optional<AddressHit>>;

// Owns its tables; used on one thread. Moved, not copied; lookups under way refer to it, so that it outlives them.
class Maps {
public:
    Maps() = default;

    // Tables that cannot be opened do not fail here: they answer with Temporary errors (see open_or_unavailable).
    // Invalid: the text itself is no list of tables (unbalanced braces).
    static Result<Maps> open(std::string_view text, const OpenOptions& options = process_options());

    // Appends a table that was opened otherwise.
    void add(std::unique_ptr<Table> table) { tables_.push_back(std::move(table)); }

    [[nodiscard]] bool empty() const { return tables_.empty(); }
    [[nodiscard]] const std::vector<std::unique_ptr<Table>>& tables() const { return tables_; }

    // One search for the whole key.
    Lookup find(std::string_view key);
    // The keys in order, each in all tables (those that are parts of what is looked up only in tables with fixed
    // strings); the first hit ends the search.
    ReadyOrTask<AddressAnswer> find_first(std::vector<AddressKey> keys);
    // find_first(address_keys(...)): how postconf(5) tables are asked for an address.
    ReadyOrTask<AddressAnswer> find_address(std::string_view address, const AddressSearch& search);

    // Picks up changed files now.
    Result<void> reopen_if_changed();

private:
    enum class Which : std::uint8_t { All, FixedOnly };
    Lookup find_from(std::size_t first, std::string_view key, Which which);
    net::Task<Answer> continue_find(Lookup pending, std::size_t table, std::string key, Which which);
    net::Task<AddressAnswer> continue_find_first(Lookup pending, std::vector<AddressKey> keys, std::size_t position);

    std::vector<std::unique_ptr<Table>> tables_;
};

}  // namespace posthaste::table
