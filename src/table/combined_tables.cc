// combined_tables.cc — the types that are made of other tables: pipemap, unionmap, debug; and randmap.
//
// pipemap:{a,b} gives the answer of one table to the next as its key; unionmap:{a,b} joins the answers of all tables
// with commas; debug:type:name writes every lookup and its answer to the log; randmap:{x,y} picks a value at random.
// The error of one member is the error of the whole. An empty answer counts as none. Members may answer later: then
// the lookup goes on in a coroutine that refers to the table.
#include "log/log.h"
#include "table/registry.h"
#include "table/text_source.h"

#include <algorithm>
#include <fmt/format.h>
#include <random>

namespace posthaste::table {

namespace {

using Members = std::vector<std::unique_ptr<Table>>;

std::unexpected<Error> bad_syntax(const OpenRequest& request, std::string_view element)
{
    return fail(ErrorKind::Invalid,
                fmt::format("bad syntax: \"{}\"; need \"{}:{{{}...}}\"", request.full, request.type, element));
}

// What stands in the braces of the table's name, at least one element; `element` is what the message says of it.
Result<std::vector<std::string_view>> elements_of(const OpenRequest& request, std::string_view element)
{
    auto body = strip_braces(request.name);
    if (!request.name.starts_with('{') || !body)
        return bad_syntax(request, element);
    auto elements = split_outside_braces(*body, list_separators);
    if (!elements || elements->empty())
        return bad_syntax(request, element);
    return *elements;
}

// How many tables the one that is being opened stands in.
class Depth {
public:
    Depth() { ++depth; }
    ~Depth() { --depth; }
    Depth(const Depth&) = delete;
    Depth& operator=(const Depth&) = delete;
    [[nodiscard]] static bool is_too_deep() { return depth > deepest; }

private:
    static constexpr int deepest = 100;
    static thread_local int depth;
};
thread_local int Depth::depth = 0;

Result<Members> open_members(const OpenRequest& request)
{
    const Depth depth;
    if (Depth::is_too_deep())
        return fail(ErrorKind::Limit, "more than 100 tables within each other");
    constexpr std::string_view element = "type:name";
    TRY(std::vector<std::string_view> names, elements_of(request, element));
    Members members;
    for (std::string_view name : names) {
        if (name.find(':') == std::string_view::npos)
            return bad_syntax(request, element);
        TRY(members.emplace_back(), open(name, request.options));
    }
    return members;
}

// What pipemap and unionmap share: they match patterns as soon as one member does, and follow all files.
class CombinedTable : public Table {
public:
    CombinedTable(std::string full, Members members) : Table(std::move(full)), members_(std::move(members)) {}

    TableFlags flags() const override
    {
        TableFlags result;
        for (const auto& member : members_)
            if (member->flags().match == KeyMatch::Pattern)
                result.match = KeyMatch::Pattern;
        result.folds_case = members_.front()->flags().folds_case;
        return result;
    }
    Result<void> reopen_if_changed() override
    {
        Result<void> result;
        for (auto& member : members_)
            if (auto reopened = member->reopen_if_changed(); !reopened && result)
                result = std::move(reopened);
        return result;
    }

protected:
    Members& members() { return members_; }
    Error query_error(const Error& cause) const
    {
        return {ErrorKind::Temporary, fmt::format("table {}: query error: {}", name(), cause.text()), cause.where()};
    }

private:
    Members members_;
};

class PipeTable final : public CombinedTable {
public:
    using CombinedTable::CombinedTable;

    Lookup lookup(std::string_view key) override { return lookup_from(0, std::string(key)); }

private:
    Lookup lookup_from(std::size_t first, std::string key)
    {
        for (std::size_t i = first; i < members().size(); ++i) {
            Lookup lookup = members()[i]->lookup(key);
            if (!lookup.ready())
                return continue_from(std::move(lookup), i);
            Answer answer = lookup.take_ready();
            if (!answer)
                return Answer(fail(query_error(answer.error())));
            if (!*answer)
                return not_found();
            key = std::move(**answer);
        }
        return found(key);
    }
    net::Task<Answer> continue_from(Lookup pending, std::size_t position)
    {
        Answer answer = co_await std::move(pending);
        if (!answer)
            co_return fail(query_error(answer.error()));
        if (!*answer)
            co_return not_found();
        co_return co_await lookup_from(position + 1, std::move(**answer));
    }
};

class UnionTable final : public CombinedTable {
public:
    using CombinedTable::CombinedTable;

    Lookup lookup(std::string_view key) override { return lookup_from(0, key, {}); }

private:
    static void join(std::string& joined, const std::string& value)
    {
        if (!value.empty())
            joined.append(joined.empty() ? "" : ",").append(value);
    }
    Lookup lookup_from(std::size_t first, std::string_view key, std::string joined)
    {
        for (std::size_t i = first; i < members().size(); ++i) {
            Lookup lookup = members()[i]->lookup(key);
            if (!lookup.ready())
                return continue_from(std::move(lookup), i, std::string(key), std::move(joined));
            Answer answer = lookup.take_ready();
            if (!answer)
                return Answer(fail(query_error(answer.error())));
            join(joined, answer->value_or(""));
        }
        return joined.empty() ? not_found() : found(joined);
    }
    net::Task<Answer> continue_from(Lookup pending, std::size_t position, std::string key, std::string joined)
    {
        Answer answer = co_await std::move(pending);
        if (!answer)
            co_return fail(query_error(answer.error()));
        join(joined, answer->value_or(""));
        co_return co_await lookup_from(position + 1, key, std::move(joined));
    }
};

class RandomTable final : public Table {
public:
    RandomTable(std::string full, std::vector<std::string> values)
        : Table(std::move(full)), values_(std::move(values)), pick_(0, values_.size() - 1)
    {
    }
    Lookup lookup(std::string_view /*key*/) override { return found(values_[pick_(random_)]); }

private:
    std::vector<std::string> values_;
    std::random_device random_;
    std::uniform_int_distribution<std::size_t> pick_;
};

class DebugTable final : public Table {
public:
    DebugTable(std::string full, std::unique_ptr<Table> inner) : Table(std::move(full)), inner_(std::move(inner)) {}

    Lookup lookup(std::string_view key) override
    {
        Lookup lookup = inner_->lookup(key);
        if (!lookup.ready())
            return report_later(std::move(lookup), std::string(key));
        Answer answer = lookup.take_ready();
        report(key, answer);
        return answer;
    }
    TableFlags flags() const override { return inner_->flags(); }
    Result<void> reopen_if_changed() override { return inner_->reopen_if_changed(); }
    Result<void> for_each(const Visitor& visit) override
    {
        return inner_->for_each([&](std::string_view key, std::string_view value) {
            log::info("{} sequence: \"{}\" = \"{}\"", name(), key, value);
            return visit(key, value);
        });
    }

private:
    void report(std::string_view key, const Answer& answer) const
    {
        if (!answer)
            log::info("{} lookup: \"{}\" error: {}", name(), key, answer.error().text());
        else if (*answer)
            log::info("{} lookup: \"{}\" = \"{}\"", name(), key, **answer);
        else
            log::info("{} lookup: \"{}\" not found", name(), key);
    }
    net::Task<Answer> report_later(Lookup pending, std::string key)
    {
        Answer answer = co_await std::move(pending);
        report(key, answer);
        co_return answer;
    }

    std::unique_ptr<Table> inner_;
};

}  // namespace

Opened open_pipemap(const OpenRequest& request)
{
    TRY(Members members, open_members(request));
    return std::make_unique<PipeTable>(request.full, std::move(members));
}

Opened open_unionmap(const OpenRequest& request)
{
    TRY(Members members, open_members(request));
    return std::make_unique<UnionTable>(request.full, std::move(members));
}

Opened open_randmap(const OpenRequest& request)
{
    TRY(std::vector<std::string_view> values, elements_of(request, "value"));
    return std::make_unique<RandomTable>(request.full, std::vector<std::string>(values.begin(), values.end()));
}

Opened open_debug(const OpenRequest& request)
{
    TRY(std::unique_ptr<Table> inner, open(request.name, request.options));
    return std::make_unique<DebugTable>(request.full, std::move(inner));
}

}  // namespace posthaste::table
