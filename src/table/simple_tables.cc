// simple_tables.cc — the types without a file: environ, fail, inline, internal, static, unix.
//
// static:text answers every key with text; inline:{k=v} is a small table in its own name; fail:name fails every
// lookup (for tests of what happens then); environ:name looks the key up among the process's environment variables;
// internal:name has no entries (programs keep their own data there while they run); unix:passwd.byname and
// unix:group.byname give the line that the account database would have in /etc. Accounts come through the C library's
// name service on the calling thread.
#include "base/text.h"
#include "table/registry.h"
#include "table/text_source.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <grp.h>
#include <map>
#include <pwd.h>
#include <unistd.h>

namespace posthaste::table {

namespace {

class StaticTable final : public Table {
public:
    StaticTable(std::string full, std::string_view value) : Table(std::move(full)), value_(value) {}
    Lookup lookup(std::string_view /*key*/) override { return found(value_); }

private:
    std::string value_;
};

class FailTable final : public Table {
public:
    using Table::Table;
    Lookup lookup(std::string_view /*key*/) override
    {
        return Answer(fail(ErrorKind::Temporary, fmt::format("table {}: query error: Application error", name())));
    }
    Result<void> for_each(const Visitor& /*visit*/) override
    {
        return fail(ErrorKind::Temporary, fmt::format("table {}: sequence error: Application error", name()));
    }
};

// Keys are folded like those of other tables: a variable with capitals is found by postmap -f only, as in Postfix.
class EnvironTable final : public Table {
public:
    EnvironTable(std::string full, KeyCase key_case) : Table(std::move(full)), key_case_(key_case) {}
    Lookup lookup(std::string_view key) override
    {
        std::string buffer;
        const std::string variable(fold_key(key, key_case_, buffer));
        if (variable.empty() || variable.find_first_of(std::string_view("=\0", 2)) != std::string::npos)
            return not_found();
        const char* value = std::getenv(variable.c_str());
        return value == nullptr ? not_found() : found(value);
    }
    TableFlags flags() const override { return {.folds_case = key_case_ == KeyCase::Fold}; }

private:
    KeyCase key_case_;
};

class InternalTable final : public Table {
public:
    using Table::Table;
    Lookup lookup(std::string_view /*key*/) override { return not_found(); }
    Result<void> for_each(const Visitor& /*visit*/) override { return {}; }
};

class InlineTable final : public Table {
public:
    InlineTable(std::string full, std::map<std::string, std::string, std::less<>> entries, KeyCase key_case)
        : Table(std::move(full)), entries_(std::move(entries)), key_case_(key_case)
    {
    }
    Lookup lookup(std::string_view key) override
    {
        std::string buffer;
        auto entry = entries_.find(fold_key(key, key_case_, buffer));
        return entry == entries_.end() ? not_found() : found(entry->second);
    }
    TableFlags flags() const override { return {.folds_case = key_case_ == KeyCase::Fold}; }
    Result<void> for_each(const Visitor& visit) override
    {
        for (const auto& [key, value] : entries_)
            TRY(visit(key, value));
        return {};
    }

private:
    std::map<std::string, std::string, std::less<>> entries_;
    KeyCase key_case_;
};

// Calls a get..nam_r function with a buffer that grows until the entry fits. Returns its error number.
template<class Entry, class Function>
int call_with_buffer(Function function, const std::string& key, Entry& entry, Entry*& result, std::string& buffer)
{
    constexpr std::size_t max_entry = std::size_t{1} << 20;  // a group with very many members
    buffer.resize(4096);
    for (;;) {
        int status = function(key.c_str(), &entry, buffer.data(), buffer.size(), &result);
        if (status != ERANGE || buffer.size() >= max_entry)
            return status;
        buffer.resize(buffer.size() * 4);
    }
}

// What getpwnam_r and getgrnam_r may return when the name does not exist, besides 0 (getpwnam(3), ERRORS). In a jail
// without an account database ENOENT means that the file is missing: then nothing is known about the name.
bool means_not_found(int status, const char* database)
{
    return status == 0 || ((status == ENOENT || status == ESRCH) && access(database, R_OK) == 0);
}

Answer passwd_by_name(const std::string& key, const std::string& table)
{
    passwd entry{};
    passwd* result = nullptr;
    std::string buffer;
    int status = call_with_buffer(getpwnam_r, key, entry, result, buffer);
    if (result != nullptr)
        return found(fmt::format("{}:{}:{}:{}:{}:{}:{}", entry.pw_name, entry.pw_passwd, entry.pw_uid, entry.pw_gid,
                                 entry.pw_gecos, entry.pw_dir, entry.pw_shell));
    if (means_not_found(status, "/etc/passwd"))
        return not_found();
    return fail(Error(ErrorKind::Temporary, Error::system(status, table).text()));
}

Answer group_by_name(const std::string& key, const std::string& table)
{
    group entry{};
    group* result = nullptr;
    std::string buffer;
    int status = call_with_buffer(getgrnam_r, key, entry, result, buffer);
    if (result == nullptr) {
        if (means_not_found(status, "/etc/group"))
            return not_found();
        return fail(Error(ErrorKind::Temporary, Error::system(status, table).text()));
    }
    std::string line = fmt::format("{}:{}:{}:", entry.gr_name, entry.gr_passwd, entry.gr_gid);
    for (char** member = entry.gr_mem; *member != nullptr; ++member)
        line += (member == entry.gr_mem ? "" : ",") + std::string(*member);
    return found(line);
}

class UnixTable final : public Table {
public:
    using Query = Answer (*)(const std::string& key, const std::string& table);
    UnixTable(std::string full, Query query, KeyCase key_case)
        : Table(std::move(full)), query_(query), key_case_(key_case)
    {
    }
    Lookup lookup(std::string_view key) override
    {
        std::string buffer;
        std::string folded(fold_key(key, key_case_, buffer));
        if (folded.empty() || folded.find('\0') != std::string::npos)
            return not_found();
        return query_(folded, name());
    }
    TableFlags flags() const override { return {.folds_case = key_case_ == KeyCase::Fold}; }

private:
    Query query_;
    KeyCase key_case_;
};

}  // namespace

Opened open_static(const OpenRequest& request)
{
    auto value = strip_braces(request.name);
    if (!value)
        return fail(std::move(value).error().in(request.full));
    return std::make_unique<StaticTable>(request.full, *value);
}

Opened open_fail(const OpenRequest& request) { return std::make_unique<FailTable>(request.full); }

Opened open_environ(const OpenRequest& request)
{
    return std::make_unique<EnvironTable>(request.full, request.options.key_case);
}

Opened open_internal(const OpenRequest& request) { return std::make_unique<InternalTable>(request.full); }

// At the first '=' or blank outside of double quotes; npos if a quote does not end.
static std::size_t end_of_name(std::string_view text)
{
    bool quoted = false;
    std::size_t end = 0;
    for (; end < text.size() && (quoted || (text[end] != '=' && !is_ascii_space(text[end]))); ++end) {
        if (text[end] == '"')
            quoted = !quoted;
        else if (quoted && text[end] == '\\')
            ++end;
    }
    return quoted ? std::string_view::npos : end;
}

Opened open_inline(const OpenRequest& request)
{
    constexpr std::string_view need = "need \"inline:{name=value...}\"";
    auto syntax_error = [&](std::string_view what) {
        return fail(ErrorKind::Invalid, fmt::format("{}: \"{}\"; {}", what, request.full, need));
    };
    if (!request.name.starts_with('{'))
        return syntax_error("bad syntax");
    auto body = strip_braces(request.name);
    if (!body)
        return fail(std::move(body).error().in(request.full));
    auto elements = split_outside_braces(*body, list_separators);
    if (!elements)
        return fail(std::move(elements).error().in(request.full));
    if (elements->empty())
        return syntax_error("bad syntax");

    std::map<std::string, std::string, std::less<>> entries;
    for (std::string_view element : *elements) {
        auto entry = strip_braces(element);
        if (!entry)
            return fail(std::move(entry).error().in(request.full));
        const std::string_view pair = trim(*entry);
        const std::size_t end = end_of_name(pair);
        if (end == std::string_view::npos)
            return syntax_error("unbalanced '\"'");
        const std::string_view rest = trim(pair.substr(end));
        if (!rest.starts_with('='))
            return syntax_error("missing '=' after attribute name");
        if (end == 0)
            return syntax_error("missing attribute name");
        std::string buffer;
        auto [where, added] =
            entries.emplace(fold_key(pair.substr(0, end), request.options.key_case, buffer), trim(rest.substr(1)));
        if (!added)
            warn(request.options, fmt::format("{}: duplicate entry: \"{}\"", request.full, where->first));
    }
    return std::make_unique<InlineTable>(request.full, std::move(entries), request.options.key_case);
}

Opened open_unix(const OpenRequest& request)
{
    if (request.name == "passwd.byname")
        return std::make_unique<UnixTable>(request.full, passwd_by_name, request.options.key_case);
    if (request.name == "group.byname")
        return std::make_unique<UnixTable>(request.full, group_by_name, request.options.key_case);
    return fail(ErrorKind::Invalid, fmt::format("unknown table: {}", request.full));
}

}  // namespace posthaste::table
