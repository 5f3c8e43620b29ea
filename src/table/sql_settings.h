// sql_settings.h — what mysql_table(5), pgsql_table(5) and sqlite_table(5) have in common: the query, and servers.
#pragma once

#include "table/module.h"
#include "table/source_settings.h"

#include <string>
#include <string_view>

namespace posthaste::table {

enum class SqlKind : std::uint8_t { Mysql, Pgsql };

// `query`; or what select_function (pgsql), or table, select_field, where_field and additional_conditions stand for.
Result<std::string> sql_query_of(const SourceSettings& source);

// One word of `hosts`: unix:/path, inet:host[:port], host[:port]; pgsql: postgresql://... Sets host, path, uri and port
// of the login. Invalid: says what is wrong with the word.
Result<void> set_sql_host(SqlLogin& login, std::string_view word, SqlKind kind);

}  // namespace posthaste::table
