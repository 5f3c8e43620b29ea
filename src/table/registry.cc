// registry.cc — the list of table types, and the tables that stand in for those that cannot be opened.
#include "table/registry.h"

#include "address/fold.h"
#include "log/log.h"
#include "table/followed_file.h"
#include "table/followed_settings.h"
#include "table/module.h"
#include "table/settings.h"
#include "table/stale_index.h"
#include "table/text_source.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <fmt/format.h>

namespace posthaste::table {

namespace {

constexpr std::size_t max_name = 4096;
std::atomic open_errors_are_fatal = false;

enum class Code : std::uint8_t { BuiltIn, Module };
enum class Settings : std::uint8_t { None, OwnFile };

struct Type {
    std::string_view name;
    Opened (*open)(const OpenRequest&);  // nullptr: known, but there is no code for it
    std::string_view reason = {};        // why there is none
    Code code = Code::BuiltIn;           // Module: it exists if its module is installed (module.h)
    KeyMatch match = KeyMatch::Fixed;    // of types that are made of others: see key_match()
    Settings settings = Settings::None;  // OwnFile: `name` may be a file with settings (source_settings.h)
};

constexpr std::string_view superseded = "superseded by lmdb and cdb; Debian's Postfix does not have it either";
constexpr std::string_view no_library = "Debian has no library for it any more";

// In alphabetical order, as `postconf -m` prints them.
constexpr std::array known_types = {
    Type{"btree", open_berkeley},
    Type{"cdb", open_cdb},
    Type{.name = "cidr", .open = open_cidr, .match = KeyMatch::Pattern},
    Type{"dbm", nullptr, superseded},
    Type{"debug", open_debug},
    Type{"environ", open_environ},
    Type{"fail", open_fail},
    Type{"hash", open_berkeley},
    Type{"inline", open_inline},
    Type{"internal", open_internal},
    Type{.name = "ldap", .open = open_ldap, .code = Code::Module, .settings = Settings::OwnFile},
    Type{"lmdb", open_lmdb},
    Type{.name = "memcache", .open = open_memcache, .settings = Settings::OwnFile},
    Type{"mongodb", nullptr, "Debian has no MongoDB server any more to keep it working with"},
    Type{.name = "mysql", .open = open_mysql, .code = Code::Module, .settings = Settings::OwnFile},
    Type{"netinfo", nullptr, no_library},
    Type{"nis", nullptr, "NIS answers are not authenticated; use unix:, a server or a file"},
    Type{"nisplus", nullptr, no_library},
    Type{.name = "pcre", .open = open_pcre, .match = KeyMatch::Pattern},
    Type{.name = "pgsql", .open = open_pgsql, .code = Code::Module, .settings = Settings::OwnFile},
    Type{"pipemap", open_pipemap},
    Type{"proxy", open_proxy},
    Type{"randmap", open_randmap},
    Type{.name = "redis", .open = open_redis, .settings = Settings::OwnFile},
    Type{.name = "regexp", .open = open_regexp, .match = KeyMatch::Pattern},
    Type{"sdbm", nullptr, superseded},
    Type{.name = "socketmap", .open = open_socketmap, .match = KeyMatch::Pattern},
    Type{.name = "sqlite", .open = open_sqlite, .settings = Settings::OwnFile},
    Type{"static", open_static},
    Type{.name = "tcp", .open = open_tcp, .match = KeyMatch::Pattern},
    Type{"texthash", open_texthash},
    Type{"unionmap", open_unionmap},
    Type{"unix", open_unix},
};

std::string existing_types()
{
    std::string list;
    for (const auto& type : types())
        list += (list.empty() ? "" : ", ") + type;
    return list;
}

// Stands in for a table that could not be opened; tries again after a pause, so that a file that appears later is
// used without a reload. Logs each distinct reason once.
class UnavailableTable final : public Table {
public:
    UnavailableTable(std::string full, OpenOptions options) : Table(std::move(full)), options_(std::move(options))
    {
        try_open();
        if (!table_ && open_errors_are_fatal)
            log::fatal("{} is unavailable. {}", name(), reason_);
    }

    Lookup lookup(std::string_view key) override
    {
        if (!table_ && std::chrono::steady_clock::now() - tried_ >= pause)
            try_open();
        if (table_)
            return table_->lookup(key);
        return Answer(fail(ErrorKind::Temporary, fmt::format("{} is unavailable. {}", name(), reason_)));
    }
    TableFlags flags() const override { return table_ ? table_->flags() : TableFlags{}; }
    std::optional<uid_t> owner() const override { return table_ ? table_->owner() : std::nullopt; }
    Result<void> reopen_if_changed() override
    {
        if (!table_)
            try_open();
        return table_ ? table_->reopen_if_changed() : fail(ErrorKind::Temporary, reason_);
    }
    Result<void> for_each(const Visitor& visit) override
    {
        return table_ ? table_->for_each(visit) : fail(ErrorKind::Temporary, reason_);
    }
    std::unique_ptr<Table> take() { return std::move(table_); }

private:
    static constexpr std::chrono::seconds pause{5};

    void try_open()
    {
        tried_ = std::chrono::steady_clock::now();
        auto opened = open(name(), options_);
        if (opened) {
            table_ = std::move(*opened);
            return;
        }
        const bool left_to_successor = Reopening::could_not_open(name(), opened.error());
        if (reason_ != opened.error().text()) {
            reason_ = opened.error().text();
            if (!left_to_successor)
                warn(options_, fmt::format("{} is unavailable. {}", name(), reason_));
        }
    }

    OpenOptions options_;
    std::unique_ptr<Table> table_;
    std::string reason_;
    std::chrono::steady_clock::time_point tried_;
};

}  // namespace

Result<void> Table::for_each(const Visitor& /*visit*/)
{
    return fail(ErrorKind::Unsupported, fmt::format("table {}: sequence operation is not supported", name()));
}

Result<std::unique_ptr<Table>> open(std::string_view type_and_name, const OpenOptions& options)
{
    if (type_and_name.size() > max_name && type_and_name.find('{') == std::string_view::npos)
        return fail(ErrorKind::Limit, "table name is too long");
    std::size_t colon = type_and_name.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == type_and_name.size())
        return fail(ErrorKind::Invalid,
                    fmt::format("open dictionary: expecting \"type:name\" form instead of \"{}\"", type_and_name));
    OpenRequest request{.full = std::string(type_and_name),
                        .type = std::string(type_and_name.substr(0, colon)),
                        .name = std::string(type_and_name.substr(colon + 1)),
                        .options = options};
    const auto* type = std::ranges::find(known_types, std::string_view(request.type), &Type::name);
    if (type == known_types.end() || type->open == nullptr)
        return fail(unknown_type(request.type));
    TRY(std::unique_ptr<Table> table,
        type->settings == Settings::OwnFile ? open_with_followed_settings(request, type->open) : type->open(request));
    return follow_source(std::move(table), request);
}

Result<KeyMatch> key_match(std::string_view type_and_name)
{
    const std::size_t colon = std::min(type_and_name.find(':'), type_and_name.size());
    const std::string_view name = type_and_name.substr(0, colon);
    const std::string_view rest = type_and_name.substr(std::min(colon + 1, type_and_name.size()));
    const auto* type = std::ranges::find(known_types, name, &Type::name);
    if (type == known_types.end() || type->open == nullptr)
        return fail(unknown_type(name));
    if (name == "debug" || name == "proxy")
        return key_match(rest);
    if (name != "pipemap" && name != "unionmap")
        return type->match;
    TRY(std::string_view members, strip_braces(rest));
    TRY(std::vector<std::string_view> words, split_outside_braces(members, list_separators));
    for (std::string_view word : words) {
        TRY(KeyMatch match, key_match(word));
        if (match == KeyMatch::Pattern)
            return match;
    }
    return KeyMatch::Fixed;
}

Substitutions substitutions_in(std::string_view type_and_name, Substitutions wanted)
{
    return key_match(type_and_name).value_or(KeyMatch::Fixed) == KeyMatch::Pattern ? wanted : Substitutions::Allowed;
}

bool is_type(std::string_view name) { return std::ranges::find(known_types, name, &Type::name) != known_types.end(); }

Error unknown_type(std::string_view name)
{
    const auto* type = std::ranges::find(known_types, name, &Type::name);
    if (type != known_types.end() && type->code == Code::Module)
        return no_module(name, process_options());
    if (type != known_types.end())
        return {ErrorKind::Unsupported, fmt::format("unsupported dictionary type: {}: {} (there are: {})", name,
                                                    type->reason, existing_types())};
    return {ErrorKind::Unsupported,
            fmt::format("unsupported dictionary type: {} (there are: {})", name, existing_types())};
}

std::unique_ptr<Table> open_or_unavailable(std::string_view type_and_name, const OpenOptions& options)
{
    auto attempt = std::make_unique<UnavailableTable>(std::string(type_and_name), options);
    if (auto table = attempt->take())
        return table;
    return attempt;
}

void set_open_errors_fatal(bool fatal) { open_errors_are_fatal = fatal; }

std::vector<std::string> types()
{
    std::vector<std::string> result;
    for (const auto& type : known_types)
        if (type.open != nullptr && (type.code == Code::BuiltIn || !module_file(type.name, process_options()).empty()))
            result.emplace_back(type.name);
    return result;
}

void warn(const OpenOptions& options, std::string_view text)
{
    if (options.warn)
        options.warn(text);
    else
        log::warning("{}", text);
}

Error database_error(Error error)
{
    constexpr std::string_view verb = "open ";
    if (!error.text().starts_with(verb))
        return error;
    return {error.kind(), fmt::format("open database {}", error.text().substr(verb.size())), error.where()};
}

std::string_view fold_key(std::string_view key, KeyCase key_case, std::string& buffer)
{
    if (key_case == KeyCase::Keep || !address::needs_folding(key))
        return key;
    buffer = address::fold_case(key);
    return buffer;
}

}  // namespace posthaste::table
