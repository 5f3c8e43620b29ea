// texthash_table.cc — texthash:file reads the source text of postmap(1) into memory; no postmap run is needed.
//
// A changed file is read again; if that fails the old entries stay in use and the problem is reported. Lines with
// errors are reported and left out, of duplicate keys the first counts.
#include "base/fd.h"
#include "table/followed_file.h"
#include "table/key_value.h"
#include "table/registry.h"
#include "table/text_source.h"

#include <fmt/format.h>
#include <unordered_map>

namespace posthaste::table {

namespace {

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using Entries = std::unordered_map<std::string, std::string, TextHash, std::equal_to<>>;

Result<Entries> read_entries(const std::string& path, const OpenOptions& options)
{
    auto text = read_file(path, max_source_size);
    if (!text)
        return fail(Error(text.error().kind(), fmt::format("open database {}", text.error().text())));
    Entries entries;
    LogicalLines lines(*text);
    LogicalLine line;
    std::string buffer;
    while (lines.next(line)) {
        auto entry = split_key_value(line.text);
        if (!entry) {
            warn(options, fmt::format("{}, line {}: {}", path, line.first_line, entry.error().text()));
            continue;
        }
        auto [where, added] = entries.emplace(fold_key(entry->key, options.key_case, buffer), entry->value);
        if (!added)
            warn(options, fmt::format("{}, line {}: duplicate entry: \"{}\"", path, line.first_line, where->first));
    }
    return entries;
}

class TextHashTable final : public Table {
public:
    TextHashTable(const OpenRequest& request, FollowedFile file, Entries entries)
        : Table(request.full), options_(request.options), file_(std::move(file)), entries_(std::move(entries))
    {
    }

    Lookup lookup(std::string_view key) override
    {
        if (file_.changed())
            read_again();
        std::string buffer;
        auto entry = entries_.find(fold_key(key, options_.key_case, buffer));
        return entry == entries_.end() ? not_found() : found(entry->second);
    }
    TableFlags flags() const override { return {.folds_case = options_.key_case == KeyCase::Fold}; }
    Result<void> reopen_if_changed() override { return file_.changed_now() ? read_again() : Result<void>(); }
    Result<void> for_each(const Visitor& visit) override
    {
        for (const auto& [key, value] : entries_)
            TRY(visit(key, value));
        return {};
    }

private:
    Result<void> read_again()
    {
        auto entries = read_entries(file_.path(), options_);
        if (!entries) {
            warn(options_, fmt::format("{}: keeping the previous content: {}", name(), entries.error().text()));
            return fail(std::move(entries).error());
        }
        entries_ = std::move(*entries);
        return {};
    }

    OpenOptions options_;
    FollowedFile file_;
    Entries entries_;
};

}  // namespace

Opened open_texthash(const OpenRequest& request)
{
    FollowedFile file(request.name);
    TRY(Entries entries, read_entries(request.name, request.options));
    return std::make_unique<TextHashTable>(request, std::move(file), std::move(entries));
}

}  // namespace posthaste::table
