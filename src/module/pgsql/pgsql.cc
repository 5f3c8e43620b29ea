// posthaste-pgsql.so: connections of pgsql: tables (table/module.h) through libpq, whose asynchronous functions keep
// every wait within its deadline. Only the look-up of a host name is the resolver's own time.
#include "table/module.h"

#include <algorithm>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

namespace posthaste::table {

namespace {

struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Handle = std::unique_ptr<PGconn, Finish>;
using QueryResult = std::unique_ptr<PGresult, Clear>;

// The library's messages have several lines.
std::string one_line(std::string_view text)
{
    std::string result;
    for (const char c : text)
        if (c != '\n' && c != '\t')
            result += c;
        else if (!result.empty() && result.back() != ' ')
            result += ' ';
    result.erase(result.find_last_not_of(' ') + 1);
    return result;
}

Error failure(ErrorKind kind, const char* text) { return {kind, one_line(text)}; }

// Until the socket of the connection can be read or written, as `events` says.
Result<void> wait_for(PGconn* connection, short events, Moment deadline)
{
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd descriptor{.fd = PQsocket(connection), .events = events, .revents = 0};
    const int ready = poll(&descriptor, 1, static_cast<int>(std::clamp<long>(left, 0, 1000L * 3600)));
    if (ready < 0)
        return fail_errno("poll");
    if (ready == 0)
        return fail(ErrorKind::Timeout, "Connection timed out");
    return {};
}

class PgsqlConnection final : public SqlConnection {
public:
    explicit PgsqlConnection(Handle handle) : handle_(std::move(handle)) {}

    Result<std::string> quoted(std::string_view text) override
    {
        std::string quoted(2 * text.size() + 1, '\0');
        int error = 0;
        const std::size_t size = PQescapeStringConn(handle_.get(), quoted.data(), text.data(), text.size(), &error);
        if (error != 0)
            return fail(ErrorKind::Invalid, "the key is no text of the server's character set");
        quoted.resize(size);
        return quoted;
    }

    Result<std::optional<SqlFields>> query(const std::string& sql, Moment deadline) override
    {
        if (PQsendQuery(handle_.get(), sql.c_str()) != 1)
            return fail(failure(ErrorKind::Closed, PQerrorMessage(handle_.get())));
        std::optional<SqlFields> fields;
        for (;;) {
            TRY(QueryResult result, next_result(deadline));
            if (!result)
                return fields;
            const ExecStatusType status = PQresultStatus(result.get());
            if (status == PGRES_TUPLES_OK)
                fields = fields_of(result.get());
            else if (status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY)
                return fail(query_failure(result.get()));
        }
    }

private:
    // Null: there are no more.
    Result<QueryResult> next_result(Moment deadline)
    {
        for (;;) {
            const int unsent = PQflush(handle_.get());
            if (unsent == 0 && PQisBusy(handle_.get()) == 0)
                return QueryResult(PQgetResult(handle_.get()));
            TRY(wait_for(handle_.get(), unsent == 1 ? POLLIN | POLLOUT : POLLIN, deadline));
            if (unsent < 0 || PQconsumeInput(handle_.get()) != 1)
                return fail(failure(ErrorKind::Closed, PQerrorMessage(handle_.get())));
        }
    }

    static SqlFields fields_of(const PGresult* result)
    {
        SqlFields fields;
        for (int row = 0; row < PQntuples(result); ++row)
            for (int column = 0; column < PQnfields(result); ++column)
                fields.push_back(PQgetisnull(result, row, column) != 0
                                     ? std::nullopt
                                     : std::optional<std::string>(std::in_place, PQgetvalue(result, row, column),
                                                                  PQgetlength(result, row, column)));
        return fields;
    }

    // A server that shuts down, or ends the connection for another reason, says so in an error of the query.
    static Error query_failure(const PGresult* result)
    {
        const char* severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
        const bool ended = severity == nullptr || std::string_view(severity) != "ERROR";
        return failure(ended ? ErrorKind::Closed : ErrorKind::Temporary, PQresultErrorMessage(result));
    }

    Handle handle_;
};

Handle start(const SqlLogin& login)
{
    std::vector<const char*> names;
    std::vector<const char*> values;
    const auto set = [&](const char* name, const std::string& value) {
        if (!value.empty()) {
            names.push_back(name);
            values.push_back(value.c_str());
        }
    };
    const std::string port = login.port == 0 ? "" : std::to_string(login.port);
    set("user", login.user);
    set("password", login.password);
    set("client_encoding", login.character_set);
    set("host", login.path.empty() ? login.host : login.path);
    set("port", port);
    set("dbname", login.uri.empty() ? login.dbname : login.uri);  // what a URI says, too, counts more
    names.push_back(nullptr);
    values.push_back(nullptr);
    return Handle(PQconnectStartParams(names.data(), values.data(), 1));
}

Result<std::unique_ptr<SqlConnection>> connect(const SqlLogin& login, Moment deadline)
{
    Handle handle = start(login);
    if (!handle)
        return fail(ErrorKind::Temporary, "out of memory");
    PostgresPollingStatusType status =
        PQstatus(handle.get()) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK) {
        if (status == PGRES_POLLING_FAILED)
            return fail(failure(ErrorKind::Io, PQerrorMessage(handle.get())));
        TRY(wait_for(handle.get(), status == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline));
        status = PQconnectPoll(handle.get());
    }
    PQsetnonblocking(handle.get(), 1);
    PQsetNoticeProcessor(handle.get(), [](void*, const char*) {}, nullptr);
    return std::make_unique<PgsqlConnection>(std::move(handle));
}

}  // namespace

}  // namespace posthaste::table

extern "C" const posthaste::table::Module* posthaste_table_module()
{
    static const posthaste::table::Module module{.connect_sql = posthaste::table::connect};
    return &module;
}
