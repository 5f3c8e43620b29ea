// sql_settings.cc — see sql_settings.h.
#include "table/sql_settings.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::table {

namespace {

// libpq wants the directory of a socket and the port that is the end of its name.
void split_socket_name(SqlLogin& login)
{
    constexpr std::string_view begin = "/.s.PGSQL.";
    const std::size_t at = login.path.rfind(begin);
    if (at == std::string::npos)
        return;
    if (const auto port = parse_number<std::uint16_t>(std::string_view(login.path).substr(at + begin.size()))) {
        login.port = *port;
        login.path.resize(at);
    }
}

Result<void> set_host_and_port(SqlLogin& login, std::string_view word)
{
    const bool bracketed = word.starts_with('[');
    const std::size_t end = bracketed ? word.find(']') : std::string_view::npos;
    if (bracketed && end == std::string_view::npos)
        return fail(ErrorKind::Invalid, fmt::format("missing ] in host \"{}\"", word));
    // More than one colon without brackets: an IPv6 address.
    const std::size_t colon = bracketed                            ? word.find(':', end)
                              : std::ranges::count(word, ':') == 1 ? word.find(':')
                                                                   : std::string_view::npos;
    const std::string_view host = word.substr(0, std::min(colon, word.size()));
    login.host = bracketed ? word.substr(1, end - 1) : host;
    if (login.host.empty())
        return fail(ErrorKind::Invalid, fmt::format("missing name of a host in \"{}\"", word));
    if (colon == std::string_view::npos)
        return {};
    const auto port = parse_number<std::uint16_t>(word.substr(colon + 1));
    if (!port || *port == 0)
        return fail(ErrorKind::Invalid, fmt::format("the port in \"{}\" is not a number from 1 to 65535", word));
    login.port = *port;
    return {};
}

}  // namespace

Result<std::string> sql_query_of(const SourceSettings& source)
{
    if (std::string query = source.text("query"); !query.empty())
        return query;
    if (const std::string function = source.text("select_function"); !function.empty())
        return fmt::format("SELECT {}('%s')", function);
    TRY(std::string table, source.required("table"));
    TRY(std::string select_field, source.required("select_field"));
    TRY(std::string where_field, source.required("where_field"));
    return fmt::format("SELECT {} FROM {} WHERE {} = '%s' {}", select_field, table, where_field,
                       source.text("additional_conditions"));
}

Result<void> set_sql_host(SqlLogin& login, std::string_view word, SqlKind kind)
{
    if (kind == SqlKind::Pgsql && (word.starts_with("postgresql://") || word.starts_with("postgres://"))) {
        login.uri = word;
        return {};
    }
    constexpr std::string_view local = "unix:";
    if (word.starts_with(local)) {
        login.path = word.substr(local.size());
        if (login.path.empty())
            return fail(ErrorKind::Invalid, fmt::format("missing path of a UNIX-domain socket in \"{}\"", word));
        if (kind == SqlKind::Pgsql)
            split_socket_name(login);
        return {};
    }
    constexpr std::string_view network = "inet:";
    return set_host_and_port(login, word.starts_with(network) ? word.substr(network.size()) : word);
}

}  // namespace posthaste::table
