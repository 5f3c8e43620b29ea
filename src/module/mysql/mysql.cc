// posthaste-mysql.so: connections of mysql: tables (table/module.h) through MariaDB's client library.
//
// The library blocks; its own time limits, in whole seconds, are set from the deadline of the connection's first use.
// The caller waits no longer than its deadline in any case.
#include "table/module.h"

#include <algorithm>
#include <fmt/format.h>
#include <mysql.h>

namespace posthaste::table {

namespace {

// errmsg.h of the library: the connection was gone before the query, or was lost before the answer.
constexpr unsigned server_gone = 2006;
constexpr unsigned server_lost = 2013;

struct Close {
    void operator()(MYSQL* connection) const { mysql_close(connection); }
};
struct FreeResult {
    void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
};
using Handle = std::unique_ptr<MYSQL, Close>;
using QueryResult = std::unique_ptr<MYSQL_RES, FreeResult>;

bool passed(Moment deadline) { return std::chrono::steady_clock::now() >= deadline; }

class MysqlConnection final : public SqlConnection {
public:
    explicit MysqlConnection(Handle handle) : handle_(std::move(handle)) {}

    Result<std::string> quoted(std::string_view text) override
    {
        std::string quoted(2 * text.size() + 1, '\0');
        const unsigned long size = mysql_real_escape_string(handle_.get(), quoted.data(), text.data(), text.size());
        if (size == static_cast<unsigned long>(-1))
            return fail(ErrorKind::Invalid, "the key is no text of the server's character set");
        quoted.resize(size);
        return quoted;
    }

    Result<std::optional<SqlFields>> query(const std::string& sql, Moment deadline) override
    {
        if (mysql_real_query(handle_.get(), sql.data(), sql.size()) != 0)
            return fail(failure(deadline));
        std::optional<SqlFields> fields;
        // A stored procedure ends with a result of its own that has no rows.
        for (int status = 0; status == 0; status = mysql_next_result(handle_.get())) {
            const QueryResult result(mysql_store_result(handle_.get()));
            if (!result && mysql_errno(handle_.get()) != 0)
                return fail(failure(deadline));
            if (!result)
                continue;
            if (fields)
                return fail(ErrorKind::Temporary, "the query returned several result sets");
            fields = fields_of(result.get());
        }
        if (mysql_errno(handle_.get()) != 0)
            return fail(failure(deadline));
        return fields;
    }

private:
    static SqlFields fields_of(MYSQL_RES* result)
    {
        SqlFields fields;
        const unsigned columns = mysql_num_fields(result);
        while (char** row = mysql_fetch_row(result)) {
            const unsigned long* sizes = mysql_fetch_lengths(result);
            for (unsigned column = 0; column < columns; ++column)
                fields.push_back(row[column] == nullptr
                                     ? std::nullopt
                                     : std::optional<std::string>(std::in_place, row[column], sizes[column]));
        }
        return fields;
    }

    Error failure(Moment deadline) const
    {
        const unsigned number = mysql_errno(handle_.get());
        const bool lost = number == server_gone || number == server_lost;
        return {lost ? passed(deadline) ? ErrorKind::Timeout : ErrorKind::Closed : ErrorKind::Temporary,
                mysql_error(handle_.get())};
    }

    Handle handle_;
};

void set(MYSQL* connection, mysql_option option, const std::string& value)
{
    if (!value.empty())
        mysql_options(connection, option, value.c_str());
}

void set_options(MYSQL* connection, const SqlLogin& login, Moment deadline)
{
    const auto left = std::chrono::ceil<std::chrono::seconds>(deadline - std::chrono::steady_clock::now());
    const auto limit = static_cast<unsigned>(std::max<std::chrono::seconds::rep>(left.count(), 1));
    for (const mysql_option option : {MYSQL_OPT_CONNECT_TIMEOUT, MYSQL_OPT_READ_TIMEOUT, MYSQL_OPT_WRITE_TIMEOUT})
        mysql_options(connection, option, &limit);
    set(connection, MYSQL_READ_DEFAULT_FILE, login.option_file);
    if (login.option_group)
        mysql_options(connection, MYSQL_READ_DEFAULT_GROUP, login.option_group->c_str());
    set(connection, MYSQL_SET_CHARSET_NAME, login.character_set);
    set(connection, MYSQL_OPT_SSL_KEY, login.tls_key_file);
    set(connection, MYSQL_OPT_SSL_CERT, login.tls_cert_file);
    set(connection, MYSQL_OPT_SSL_CA, login.tls_CAfile);
    set(connection, MYSQL_OPT_SSL_CAPATH, login.tls_CApath);
    set(connection, MYSQL_OPT_SSL_CIPHER, login.tls_ciphers);
    const my_bool verify = login.tls_verify_cert ? 1 : 0;
    if (login.tls_verify_cert)
        mysql_options(connection, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
}

// Null: left to the library's own default, or to the options file.
const char* text_or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

Result<std::unique_ptr<SqlConnection>> connect(const SqlLogin& login, Moment deadline)
{
    Handle handle(mysql_init(nullptr));
    if (!handle)
        return fail(ErrorKind::Temporary, "out of memory");
    set_options(handle.get(), login, deadline);
    const bool done = mysql_real_connect(handle.get(), text_or_null(login.host), text_or_null(login.user),
                                         text_or_null(login.password), login.dbname.c_str(), login.port,
                                         text_or_null(login.path), CLIENT_MULTI_RESULTS) != nullptr;
    if (!done)
        return fail(passed(deadline) ? ErrorKind::Timeout : ErrorKind::Io, mysql_error(handle.get()));
    return std::make_unique<MysqlConnection>(std::move(handle));
}

}  // namespace

}  // namespace posthaste::table

extern "C" const posthaste::table::Module* posthaste_table_module()
{
    // The library is not to be set up by several threads at once.
    static const bool ready = mysql_library_init(0, nullptr, nullptr) == 0;
    static const posthaste::table::Module module{.connect_sql = posthaste::table::connect};
    return ready ? &module : nullptr;
}
