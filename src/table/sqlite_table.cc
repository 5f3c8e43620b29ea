// sqlite_table.cc — sqlite:/file, sqlite:name (sqlite_table(5)): rows of an SQLite database become the value of a key.
//
// Settings: dbpath; query, or table, select_field, where_field and additional_conditions; result_format; domain;
// expansion_limit. Each non-empty field of each row goes through result_format; the results are joined with commas.
// What %s and the like stand for is quoted as SQL text. The database is a local file that is opened read-only, so that
// a query is answered at once; a lock that somebody else holds is waited for busy_patience at most. Every failure is a
// Temporary error; a database that cannot be opened is tried again with the next key. It is opened before a process
// enters its jail. Rows that others write count at once; a database that takes the place of the old one, when the file
// is looked at, once a second at most.
#include "table/followed_file.h"
#include "table/key_template.h"
#include "table/registry.h"
#include "table/result_list.h"
#include "table/source_settings.h"
#include "table/sql_settings.h"

#include <cerrno>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

namespace posthaste::table {

namespace {

constexpr int busy_patience = 100;  // milliseconds

struct CloseDatabase {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

std::string sql_quoted(std::string_view text)
{
    std::string quoted;
    for (char c : text)
        quoted.append(c == '\'' ? 2 : 1, c);
    return quoted;
}

struct SqliteSettings {
    std::string path;  // of the settings
    std::string dbpath;
    KeyTemplate query;
    KeyTemplate result_format;
    SearchDomains domains;
    int expansion_limit = 0;  // 0: none
};

class SqliteTable final : public Table {
public:
    SqliteTable(const OpenRequest& request, SqliteSettings settings)
        : Table(request.full), options_(request.options), settings_(std::move(settings)),
          database_file_(settings_.dbpath, Follow::Identity)
    {
        (void)open_database();  // the first lookup says what is wrong
    }

    Lookup lookup(std::string_view key) override
    {
        if (database_file_.changed())
            database_.reset();
        std::string buffer;
        auto answer = find(fold_key(key, options_.key_case, buffer));
        if (answer)
            return answer;
        return Answer(
            fail(ErrorKind::Temporary, fmt::format("table {}: query error: {}", name(), answer.error().text())));
    }
    TableFlags flags() const override { return {.folds_case = options_.key_case == KeyCase::Fold}; }
    Result<void> reopen_if_changed() override
    {
        if (database_file_.changed_now())
            database_.reset();
        return {};
    }

private:
    Answer find(std::string_view key)
    {
        TRY(bool wanted, settings_.domains.has(key));
        const auto query = wanted ? settings_.query.expand(key, key, sql_quoted) : std::nullopt;
        if (!query)
            return not_found();
        TRY(open_database());
        sqlite3_stmt* raw = nullptr;
        const int status = sqlite3_prepare_v2(database_.get(), query->c_str(), -1, &raw, nullptr);
        const Statement statement(raw);
        if (status != SQLITE_OK || !statement)
            return fail(database_failure("SQL prepare failed"));
        return results(statement.get(), key);
    }

    Result<void> open_database()
    {
        if (database_)
            return {};
        sqlite3* raw = nullptr;
        const int status = sqlite3_open_v2(settings_.dbpath.c_str(), &raw, SQLITE_OPEN_READONLY, nullptr);
        database_.reset(raw);
        if (status != SQLITE_OK) {
            const Error error = database_failure("can't open database " + settings_.dbpath);
            database_.reset();
            if (access(settings_.dbpath.c_str(), R_OK) != 0 && errno == EACCES)
                database_file_.could_not_open(Error::system(EACCES, settings_.dbpath));
            return fail(error);
        }
        sqlite3_busy_timeout(raw, busy_patience);
        // Opens what belongs to it, too (write-ahead log), which a jail would put out of reach.
        sqlite3_exec(raw, "PRAGMA schema_version", nullptr, nullptr, nullptr);
        return {};
    }

    Answer results(sqlite3_stmt* statement, std::string_view key)
    {
        ResultList list(settings_.result_format, settings_.expansion_limit, key);
        int status = 0;
        while ((status = sqlite3_step(statement)) == SQLITE_ROW)
            for (int column = 0; column < sqlite3_column_count(statement); ++column) {
                const auto value = field(statement, column, key);
                if (auto added = value ? list.add(*value) : Result<void>(); !added) {
                    warn(options_, fmt::format("dict_sqlite_lookup: {}: Expansion limit exceeded for key '{}'",
                                               settings_.path, key));
                    return fail(std::move(added).error());
                }
            }
        if (status != SQLITE_DONE)
            return fail(database_failure("SQL step failed"));
        return list.value();
    }

    // The text of a field; nothing if it is NULL or empty.
    std::optional<std::string> field(sqlite3_stmt* statement, int column, std::string_view key) const
    {
        const unsigned char* text = sqlite3_column_text(statement, column);
        if (text == nullptr)
            return std::nullopt;
        std::string value(reinterpret_cast<const char*>(text),
                          static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
        if (!value.empty())
            return value;
        warn(options_, fmt::format("table \"{}\": empty lookup result for: \"{}\" -- ignored", name(), key));
        return std::nullopt;
    }

    Error database_failure(std::string_view what) const
    {
        return {ErrorKind::Temporary, fmt::format("{}: {}", what, sqlite3_errmsg(database_.get()))};
    }

    OpenOptions options_;
    SqliteSettings settings_;
    FollowedFile database_file_;
    Database database_;
};

Result<SqliteSettings> read_settings(const std::string& source, const OpenOptions& options)
{
    constexpr int most = 1 << 30;
    TRY(SourceSettings file, SourceSettings::of(source, options));
    SqliteSettings settings;
    settings.path = file.path();
    TRY(settings.dbpath, file.required("dbpath"));
    TRY(std::string query, sql_query_of(file));
    TRY(settings.query, KeyTemplate::parse(query, "query", file.path()));
    TRY(settings.result_format, KeyTemplate::parse(file.text("result_format", "%s"), "result", file.path()));
    TRY(settings.domains, SearchDomains::parse(file.text("domain"), options));
    TRY(settings.expansion_limit, file.number("expansion_limit", 0, 0, most));
    return settings;
}

}  // namespace

Opened open_sqlite(const OpenRequest& request)
{
    TRY(SqliteSettings settings, read_settings(request.name, request.options));
    return std::make_unique<SqliteTable>(request, std::move(settings));
}

}  // namespace posthaste::table
