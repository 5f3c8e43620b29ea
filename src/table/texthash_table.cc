// texthash_table.cc — texthash:file reads the source text of postmap(1) into memory; no postmap run is needed.
//
// A changed file is read again; if that fails the old entries stay in use and the problem is reported. Lines with
// errors are reported and left out, of duplicate keys the first counts.
#include "address/fold.h"
#include "base/fd.h"
#include "base/text.h"
#include "table/followed_content.h"
#include "table/key_value.h"
#include "table/registry.h"
#include "table/text_source.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::table {

namespace {

Result<Entries> read_entries(const OpenRequest& request)
{
    const std::string& path = request.name;
    const OpenOptions& options = request.options;
    auto text = read_file(path, max_source_size);
    if (!text)
        return fail(database_error(std::move(text).error()));
    Entries entries;
    entries.reserve(static_cast<std::size_t>(std::ranges::count(*text, '\n')));
    LogicalLines lines(*text);
    LogicalLine line;
    std::string buffer;
    while (lines.next(line)) {
        if (options.utf8_only && !address::is_valid_utf8(line.text)) {
            warn(options, fmt::format("{}, line {}: non-UTF-8 input \"{}\" -- ignoring this line", path,
                                      line.first_line, printable(line.text)));
            continue;
        }
        if (is_ascii_space(line.text.front())) {
            warn(options, fmt::format("{}: logical line must not start with whitespace: \"{}\"", path, line.text));
            continue;
        }
        auto entry = split_key_value(line.text);
        if (!entry) {
            warn(options,
                 fmt::format("{}, line {}: {} -- ignoring this line", path, line.first_line, entry.error().text()));
            continue;
        }
        if (entry->key.ends_with(':'))
            warn(options, fmt::format("{}, line {}: {}", path, line.first_line, alias_file_warning));
        auto [stored, added] = entries.emplace(fold_key(entry->key, options.key_case, buffer), entry->value);
        if (!added)
            warn(options, fmt::format("{}, line {}: duplicate entry: \"{}\"", path, line.first_line, entry->key));
    }
    return entries;
}

class TextHashTable final : public Table {
public:
    TextHashTable(std::string full, FollowedContent<Entries> entries)
        : Table(std::move(full)), entries_(std::move(entries))
    {
    }

    Lookup lookup(std::string_view key) override
    {
        const Entries& entries = entries_.get();
        std::string buffer;
        auto entry = entries.find(fold_key(key, entries_.options().key_case, buffer));
        return entry == entries.end() ? not_found() : found(entry->second);
    }
    TableFlags flags() const override { return {.folds_case = entries_.options().key_case == KeyCase::Fold}; }
    std::optional<uid_t> owner() const override { return entries_.owner(); }
    Result<void> reopen_if_changed() override { return entries_.reread_if_changed(); }
    Result<void> for_each(const Visitor& visit) override
    {
        for (const auto& [key, value] : entries_.get())
            TRY(visit(key, value));
        return {};
    }

private:
    FollowedContent<Entries> entries_;
};

}  // namespace

Opened open_texthash(const OpenRequest& request)
{
    TRY(auto entries, FollowedContent<Entries>::open(request, read_entries));
    return std::make_unique<TextHashTable>(request.full, std::move(entries));
}

}  // namespace posthaste::table
