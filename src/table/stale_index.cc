// stale_index.cc — see stale_index.h.
#include "table/stale_index.h"

#include "log/log.h"
#include "table/base64.h"
#include "table/followed_file.h"
#include "table/key_value.h"
#include "table/source_entries.h"
#include "table/text_source.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fmt/format.h>
#include <optional>

namespace posthaste::table {

namespace {

// A copy without fractions of seconds (tar, some file systems) is no reason for a warning.
bool is_newer(const timespec& source, const timespec& index)
{
    if (source.tv_sec != index.tv_sec || index.tv_nsec == 0)
        return source.tv_sec > index.tv_sec;
    return source.tv_nsec > index.tv_nsec;
}

std::string text_of(const timespec& time)
{
    std::tm parts{};
    localtime_r(&time.tv_sec, &parts);
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts)};
}

class SourcedTable final : public Table {
public:
    SourcedTable(std::unique_ptr<Table> index, const OpenRequest& request, std::string_view suffix)
        : Table(request.full), options_(request.options), index_(std::move(index)), source_(request.name),
          index_file_(request.name + std::string(suffix))
    {
        decide();
    }

    Lookup lookup(std::string_view key) override
    {
        look();
        if (!entries_)
            return index_->lookup(key);
        std::string buffer;
        auto entry = entries_->find(fold_key(key, options_.key_case, buffer));
        return entry == entries_->end() ? not_found() : found(entry->second);
    }
    TableFlags flags() const override { return index_->flags(); }
    std::optional<uid_t> owner() const override { return entries_ ? source_.owner() : index_->owner(); }

    Result<void> reopen_if_changed() override
    {
        const bool source_changed = source_.changed_now();
        if (index_file_.changed_now() || source_changed || undecided_)
            decide();
        return index_->reopen_if_changed();
    }

    Result<void> hold() override
    {
        look();
        return entries_ ? Result<void>() : index_->hold();
    }
    void release() override { index_->release(); }

    Result<void> for_each(const Visitor& visit) override
    {
        look();
        if (!entries_)
            return index_->for_each(visit);
        for (const auto& [key, value] : *entries_)
            TRY(visit(key, value));
        return {};
    }

private:
    // Each of the files looks at the file system once a second at most.
    void look()
    {
        const bool source_changed = source_.changed_and_at_rest();
        if (index_file_.changed() || source_changed || (undecided_ && at_rest(source_.version().modified)))
            decide();
    }

    void decide()
    {
        const FileVersion& source = source_.version();
        const bool stale = source.size >= 0 && index_file_.version().size >= 0 &&
                           is_newer(source.modified, index_file_.version().modified);
        undecided_ = stale && !at_rest(source.modified);
        if (!stale) {
            entries_.reset();
            dealt_with_ = {};
        }
        if (!stale || undecided_ || dealt_with_ == source)
            return;
        dealt_with_ = source;
        if (options_.stale_index == StaleIndex::Warn)
            warn(options_, warning({}));
        else
            use_source();
    }

    void use_source()
    {
        auto entries = read();
        // Whoever writes it now gets the next look.
        undecided_ = source_.changed_now();
        if (undecided_)
            return;
        if (!entries) {
            source_.could_not_open(entries.error());
            warn(options_, warning(entries.error().text()));
        } else {
            entries_ = std::move(*entries);
            log::info("table {}: {} entries of {} are used until its index is made again; run: {}", name(),
                      entries_->size(), source_.path(), command());
        }
    }

    std::string warning(std::string_view reason) const
    {
        return fmt::format("database {} is older than source file {} (of {} and {}){}{}; run: {}", index_file_.path(),
                           source_.path(), text_of(index_file_.version().modified), text_of(source_.version().modified),
                           reason.empty() ? "" : ", which cannot be used: ", reason, command());
    }

    std::string command() const
    {
        if (!has("@", "@"))
            return "postmap " + name();
        auto databases = split_outside_braces(options_.alias_database, list_separators);
        const bool listed = databases && std::ranges::find(*databases, name()) != databases->end();
        return listed ? "newaliases" : "postalias " + name();
    }

    bool has(std::string_view key, std::string_view value) const
    {
        Answer answer = index_->lookup(key).take_ready();  // local tables answer at once
        return answer && *answer && **answer == value;
    }

    // postmap -F: the value is the name of a file, the index has the file's content.
    bool is_content_of_file(const SourceEntry& entry) const
    {
        if (!entry.value.starts_with('/'))
            return false;
        Answer answer = index_->lookup(entry.key).take_ready();
        return answer && *answer && **answer != entry.value && decode_base64(**answer).has_value();
    }

    Result<Entries> read()
    {
        TRY(std::string text, read_file(source_.path(), max_source_in_memory));
        Entries entries;
        const SourceUse use{.entry = [&](const SourceEntry& entry) -> Result<void> {
                                if (entries.empty() && is_content_of_file(entry))
                                    return fail(ErrorKind::Unsupported, "it has names of files (postmap -F)");
                                std::string buffer;
                                entries.emplace(fold_key(entry.key, options_.key_case, buffer), entry.value);
                                return {};
                            },
                            .left_out = [](std::string_view message) -> Result<void> {
                                return fail(ErrorKind::Invalid, std::string(message));
                            },
                            .remark = [](std::string_view) {}};
        TRY(read_source(text, source_.path(), has("@", "@") ? Dialect::Postalias : Dialect::Postmap,
                        options_.utf8_only ? SourceText::Utf8 : SourceText::AnyBytes, use));
        return entries;
    }

    OpenOptions options_;
    std::unique_ptr<Table> index_;
    FollowedFile source_;
    FollowedFile index_file_;
    FileVersion dealt_with_;          // the version of the source that was warned of, or read
    bool undecided_ = false;          // the source has been written to just now
    std::optional<Entries> entries_;  // of the source, while it is younger than the index
};

}  // namespace

std::string_view index_suffix(std::string_view type)
{
    return type == "hash" || type == "btree" ? ".db" : type == "lmdb" ? ".lmdb" : type == "cdb" ? ".cdb" : "";
}

std::unique_ptr<Table> follow_source(std::unique_ptr<Table> index, const OpenRequest& request)
{
    const std::string_view suffix = index_suffix(request.type);
    if (suffix.empty() || request.options.stale_index == StaleIndex::Ignore)
        return index;
    return std::make_unique<SourcedTable>(std::move(index), request, suffix);
}

}  // namespace posthaste::table
