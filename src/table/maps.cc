// maps.cc — see maps.h.
#include "table/maps.h"

#include "base/trace.h"
#include "table/text_source.h"

#include <fmt/format.h>

namespace posthaste::table {

namespace {

// What a table said, as the list sees it: nothing to decide (go on with the next table) or the final answer.
std::optional<Answer> decide(const Table& table, std::string_view key, Answer answer)
{
    if (trace::observer != nullptr)
        trace::observer->asked(table.name(), key, answer);
    if (!answer)
        return fail(Error(ErrorKind::Temporary, answer.error().text(), answer.error().where()));
    if (!*answer)
        return std::nullopt;
    if ((*answer)->empty())
        return fail(ErrorKind::Temporary, fmt::format("{}: lookup of \"{}\" returns an empty string result; "
                                                      "a table should have no entry where there is no result",
                                                      table.name(), key));
    return answer;
}

AddressAnswer hit(Answer answer, AddressKey& key)
{
    if (!answer)
        return fail(std::move(answer).error());
    return AddressHit{.value = std::move(**answer), .key = std::move(key.text), .extension = std::move(key.extension)};
}

AddressAnswer no_hit() { return std::optional<AddressHit>(); }

}  // namespace

Result<Maps> Maps::open(std::string_view text, const OpenOptions& options)
{
    TRY(std::vector<std::string_view> names, split_outside_braces(text, list_separators));
    Maps maps;
    for (std::string_view name : names)
        maps.tables_.push_back(open_or_unavailable(name, options));
    return maps;
}

Lookup Maps::find_from(std::size_t first, std::string_view key, Which which)
{
    for (std::size_t i = first; i < tables_.size(); ++i) {
        if (which == Which::FixedOnly && tables_[i]->flags().match != KeyMatch::Fixed)
            continue;
        Lookup lookup = tables_[i]->lookup(key);
        if (!lookup.ready())
            return continue_find(std::move(lookup), i, std::string(key), which);
        if (auto final = decide(*tables_[i], key, lookup.take_ready()))
            return std::move(*final);
    }
    return not_found();
}

net::Task<Answer> Maps::continue_find(Lookup pending, std::size_t table, std::string key, Which which)
{
    Answer answer = co_await std::move(pending);
    if (auto final = decide(*tables_[table], key, std::move(answer)))
        co_return std::move(*final);
    co_return co_await find_from(table + 1, key, which);
}

Lookup Maps::find(std::string_view key) { return find_from(0, key, Which::All); }

ReadyOrTask<AddressAnswer> Maps::find_first(std::vector<AddressKey> keys)
{
    for (std::size_t i = 0; i < keys.size(); ++i) {
        Lookup lookup = find_from(0, keys[i].text, keys[i].whole ? Which::All : Which::FixedOnly);
        if (!lookup.ready())
            return continue_find_first(std::move(lookup), std::move(keys), i);
        Answer answer = lookup.take_ready();
        if (!answer || *answer)
            return hit(std::move(answer), keys[i]);
    }
    return no_hit();
}

net::Task<AddressAnswer> Maps::continue_find_first(Lookup pending, std::vector<AddressKey> keys, std::size_t position)
{
    Answer answer = co_await std::move(pending);
    for (;;) {
        if (!answer || *answer)
            co_return hit(std::move(answer), keys[position]);
        if (++position == keys.size())
            co_return no_hit();
        answer = co_await find_from(0, keys[position].text, keys[position].whole ? Which::All : Which::FixedOnly);
    }
}

ReadyOrTask<AddressAnswer> Maps::find_address(std::string_view address, const AddressSearch& search)
{
    if (tables_.empty())
        return no_hit();
    return find_first(address_keys(address, search));
}

Result<void> Maps::reopen_if_changed()
{
    Result<void> result;
    for (auto& table : tables_)
        if (auto reopened = table->reopen_if_changed(); !reopened && result)
            result = std::move(reopened);
    return result;
}

}  // namespace posthaste::table
