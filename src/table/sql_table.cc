// sql_table.cc — mysql:/file, mysql:name, pgsql:/file, pgsql:name (mysql_table(5), pgsql_table(5)): the rows that a
// query of an SQL server gives become the value of a key.
//
// The client libraries are in the modules (module.h), which are loaded when a table is opened. A server is connected to
// by the first lookup; until then nothing is known of it. What %s and the like stand for is quoted by the connection,
// which knows its character set. Every failure is a Temporary error and leaves a warning for each host that was asked.
//
// `timeout` is ours: how long a lookup may take, with all hosts.
#include "address/fold.h"
#include "base/text.h"
#include "table/registry.h"
#include "table/result_list.h"
#include "table/server_threads.h"
#include "table/sql_settings.h"
#include "table/text_source.h"

#include <fmt/format.h>

namespace posthaste::table {

namespace {

using Warnings = std::vector<std::string>;

// Shared with the threads that look up.
struct SqlSource {
    std::string table;  // type:name, for messages
    SqlKind kind = SqlKind::Mysql;
    std::string type;    // "mysql"
    std::string source;  // the file, or the bare name
    KeyTemplate query;
    KeyTemplate result_format;
    int expansion_limit = 0;  // 0: none
    bool require_result_set = false;

    // One lookup on a thread of the table.
    Answer find(SqlConnection& connection, const std::string& key, Moment deadline, Warnings& warnings) const;
    Answer results(const SqlFields& fields, const std::string& key, Warnings& warnings) const;
    // What a failed query is logged as.
    [[nodiscard]] std::string failed_at(const SqlConnection& connection) const;
};

Answer SqlSource::find(SqlConnection& connection, const std::string& key, Moment deadline, Warnings& warnings) const
{
    Result<void> quoting;
    const auto text = query.expand(key, key, [&](std::string_view part) {
        auto quoted = connection.quoted(part);
        if (quoted)
            return std::move(*quoted);
        quoting = fail(std::move(quoted).error());
        return std::string();
    });
    TRY(std::move(quoting));
    if (!text)
        return not_found();
    auto fields = connection.query(*text, deadline);
    if (!fields)
        return fail(std::move(fields).error().in(failed_at(connection)));
    if (*fields)
        return results(**fields, key, warnings);
    if (require_result_set)
        return fail(ErrorKind::Temporary,
                    fmt::format("{}: query returned no result set (require_result_set = yes)", failed_at(connection)));
    return not_found();
}

std::string SqlSource::failed_at(const SqlConnection& connection) const
{
    return kind == SqlKind::Mysql ? fmt::format("{}: query failed", table)
                                  : fmt::format("pgsql query failed: fatal error from host {}", connection.host);
}

Answer SqlSource::results(const SqlFields& fields, const std::string& key, Warnings& warnings) const
{
    ResultList list(result_format, expansion_limit, key);
    for (const auto& field : fields) {
        if (!field && kind == SqlKind::Mysql)
            continue;
        if (!field || field->empty()) {  // NULL is an empty text for libpq
            warnings.push_back(fmt::format("table \"{}\": empty lookup result for: \"{}\" -- ignored", table, key));
            continue;
        }
        if (auto added = list.add(*field); !added) {
            warnings.push_back(
                fmt::format("dict_{}_lookup: {}: Expansion limit exceeded for key: '{}'", type, source, key));
            return fail(std::move(added).error());
        }
    }
    return list.value();
}

class SqlTable final : public Table {
public:
    SqlTable(const OpenRequest& request, std::shared_ptr<const SqlSource> source, SearchDomains domains,
             ServerPlan plan)
        : Table(request.full), options_(request.options), source_(std::move(source)), domains_(std::move(domains)),
          threads_(std::move(plan))
    {
    }

    Lookup lookup(std::string_view key) override
    {
        std::string buffer;
        std::string folded(fold_key(key, options_.key_case, buffer));
        // Nothing in a database of text can have such a key, and some servers would stumble over it.
        if (!address::is_valid_utf8(folded))
            return not_found();
        auto wanted = domains_.has(folded);
        if (!wanted)
            return Answer(fail(ErrorKind::Temporary, fmt::format("table {}: {}", name(), wanted.error().text())));
        if (!*wanted || !source_->query.expand(folded, folded))
            return not_found();
        return ask(std::move(folded));
    }
    TableFlags flags() const override { return {.folds_case = options_.key_case == KeyCase::Fold}; }

private:
    net::Task<Answer> ask(std::string key)
    {
        auto work = [source = source_, key = std::move(key)](ServerConnection& connection, Moment deadline,
                                                             Warnings& warnings) {
            return source->find(static_cast<SqlConnection&>(connection), key, deadline, warnings);
        };
        co_return answer_of(co_await threads_.ask(std::move(work)), name(), options_);
    }

    OpenOptions options_;
    std::shared_ptr<const SqlSource> source_;
    SearchDomains domains_;
    ServerThreads threads_;
};

Result<SqlLogin> login_of(const SourceSettings& file, SqlKind kind)
{
    SqlLogin login{};
    login.user = file.text("user");
    login.password = file.text("password");
    if (kind == SqlKind::Pgsql) {
        login.character_set = file.text("encoding", "UTF8");
        login.dbname = file.text("dbname");
        return login;
    }
    TRY(login.dbname, file.required("dbname"));
    login.character_set = file.text("charset", "utf8mb4");
    login.option_file = file.text("option_file");
    if (const std::string group = file.text("option_group", "client"); !group.empty() || !login.option_file.empty())
        login.option_group = group;
    login.tls_cert_file = file.text("tls_cert_file");
    login.tls_key_file = file.text("tls_key_file");
    login.tls_CAfile = file.text("tls_CAfile");
    login.tls_CApath = file.text("tls_CApath");
    login.tls_ciphers = file.text("tls_ciphers");
    TRY(login.tls_verify_cert, file.yes_or_no("tls_verify_cert", false));
    return login;
}

// What messages call a host: of a URI, which may hold a password, only what stands behind it.
std::string name_of(const SqlLogin& login, std::string_view word)
{
    if (login.uri.empty())
        return std::string(word);
    const std::string uri = login.uri.substr(0, login.uri.find('?'));
    const std::size_t at = uri.rfind('@');
    return at == std::string::npos ? uri : "postgresql://" + uri.substr(at + 1);
}

Result<ServerPlan> plan_of(const SourceSettings& file, SqlKind kind, const std::string& type, const Module& module)
{
    constexpr int hour = 3600;
    constexpr int week = 7 * 24 * hour;
    ServerPlan plan{.order = kind == SqlKind::Mysql ? HostOrder::RandomUnixFirst : HostOrder::Random};
    TRY(const SqlLogin login, login_of(file, kind));
    const std::string hosts = file.text("hosts", "localhost");
    for (std::string_view word : split(hosts, list_separators)) {
        SqlLogin one = login;
        if (auto set = set_sql_host(one, word, kind); !set)
            return fail(ErrorKind::Invalid, fmt::format("{}: hosts: {}", file.path(), set.error().text()));
        if (one.dbname.empty() && one.uri.empty()) {
            TRY(one.dbname, file.required("dbname"));
        }
        ServerHost host{.name = name_of(one, word), .is_unix = !one.path.empty()};
        host.connect = [connect = module.connect_sql, one, name = host.name,
                        what = fmt::format("connect to {} server {}", type, host.name)](
                           Moment deadline) -> Result<std::unique_ptr<ServerConnection>> {
            auto connection = connect(one, deadline);
            if (!connection)
                return fail(std::move(connection).error().in(what));
            (*connection)->host = name;
            return std::move(*connection);
        };
        plan.hosts.push_back(std::move(host));
    }
    if (plan.hosts.empty())
        return fail(ErrorKind::Invalid, fmt::format("{}: hosts names no host", file.path()));
    TRY(plan.time_limit, file.seconds("timeout", 10, 1, hour));
    TRY(plan.idle_interval, file.seconds("idle_interval", 60, 1, week));
    TRY(plan.retry_interval, file.seconds("retry_interval", 60, 1, week));
    return plan;
}

Opened open_sql(const OpenRequest& request, SqlKind kind)
{
    constexpr int most = 1 << 30;
    TRY(const Module* module, load_module(request.type, request.options));
    TRY(SourceSettings file, SourceSettings::of(request.name, request.options));
    TRY(ServerPlan plan, plan_of(file, kind, request.type, *module));
    auto source = std::make_shared<SqlSource>();
    source->table = request.full;
    source->kind = kind;
    source->type = request.type;
    source->source = file.path();
    TRY(std::string query, sql_query_of(file));
    TRY(source->query, KeyTemplate::parse(query, "query", file.path()));
    TRY(source->result_format, KeyTemplate::parse(file.text("result_format", "%s"), "result", file.path()));
    TRY(source->expansion_limit, file.number("expansion_limit", 0, 0, most));
    if (kind == SqlKind::Mysql) {
        TRY(source->require_result_set, file.yes_or_no("require_result_set", true));
    }
    TRY(SearchDomains domains, SearchDomains::parse(file.text("domain"), request.options));
    return std::make_unique<SqlTable>(request, std::move(source), std::move(domains), std::move(plan));
}

}  // namespace

Opened open_mysql(const OpenRequest& request) { return open_sql(request, SqlKind::Mysql); }

Opened open_pgsql(const OpenRequest& request) { return open_sql(request, SqlKind::Pgsql); }

}  // namespace posthaste::table
