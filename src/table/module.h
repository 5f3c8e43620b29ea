// module.h — what a table module gives: connections to one kind of server, through the client library that the module
// links with, so that the programs themselves need none. posthaste-mysql.so, posthaste-pgsql.so, posthaste-ldap.so.
//
// A module knows its client library and nothing else. What tables make of keys and answers (templates, limits, several
// hosts, time limits) is in this folder; it calls a module's functions on threads of its own (server_threads.h), where
// they may block until their deadline. A module is loaded once and stays. It is built with the programs and refused if
// its version is another one: nothing here is an interface for other compilers or releases.
#pragma once

#include "base/result.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace posthaste::table {

struct OpenOptions;

inline constexpr std::uint32_t module_version = 2;

using Moment = std::chrono::steady_clock::time_point;

// A connection to a server. Used by one thread at a time. After an error it is closed and not used again.
class ServerConnection {
public:
    ServerConnection() = default;
    ServerConnection(const ServerConnection&) = delete;
    ServerConnection& operator=(const ServerConnection&) = delete;
    virtual ~ServerConnection() = default;

    std::string host;  // as the settings name it, for messages; set by the table
};

// --- SQL

// mysql_table(5), pgsql_table(5).
struct SqlLogin {
    std::string host;    // a name or an address; or
    std::string path;    // of a UNIX-domain socket; or
    std::string uri;     // postgresql://...; else
    std::uint16_t port;  // 0: the usual one
    std::string user;
    std::string password;
    std::string dbname;
    std::string character_set;  // charset of mysql, encoding of pgsql
    // mysql only.
    std::string option_file;
    std::optional<std::string> option_group;
    std::string tls_cert_file;
    std::string tls_key_file;
    std::string tls_CAfile;
    std::string tls_CApath;
    std::string tls_ciphers;
    bool tls_verify_cert = false;
};

// The fields of all rows, row by row; nothing stands for NULL. No rows at all: the query had no result set.
using SqlFields = std::vector<std::optional<std::string>>;

class SqlConnection : public ServerConnection {
public:
    // The text as it may stand between single quotes of a query. Invalid: no text of the connection's character set.
    virtual Result<std::string> quoted(std::string_view text) = 0;
    // Closed: the connection was lost before an answer came. Unsupported: several result sets. The others: Temporary,
    // Timeout. Nothing: the query had no result set.
    virtual Result<std::optional<SqlFields>> query(const std::string& sql, Moment deadline) = 0;
};

// --- LDAP

enum class LdapScope : std::uint8_t { Base, One, Sub };
enum class LdapBind : std::uint8_t { None, Simple, Sasl };

// ldap_table(5).
struct LdapLogin {
    std::string uri;  // one server
    int version = 3;
    LdapBind bind = LdapBind::Simple;
    std::string bind_dn;  // with SASL the name to authenticate
    std::string bind_pw;
    // SASL only. Empty: the best mechanism that both sides have; the server's realm; bind_dn itself.
    std::string sasl_mechs;
    std::string sasl_realm;
    std::string sasl_authz_id;
    int sasl_minssf = 0;  // the least security strength factor, about the bits of the key
    int dereference = 0;
    bool chase_referrals = false;
    bool start_tls = false;
    std::string tls_ca_cert_dir;
    std::string tls_ca_cert_file;
    std::string tls_cert;
    std::string tls_key;
    std::string tls_cipher_suite;
    bool tls_require_cert = false;
};

struct LdapQuery {
    std::string base;
    LdapScope scope = LdapScope::Sub;
    std::string filter;
    std::vector<std::string> attributes;
    int size_limit = 0;  // 0: none
};

struct LdapEntry {
    std::string dn;
    // Names as the server spells them, in its order.
    std::vector<std::pair<std::string, std::vector<std::string>>> attributes;
};

class LdapConnection : public ServerConnection {
public:
    // NotFound: the base does not exist. Limit: more entries than size_limit. Closed: the connection was lost before an
    // answer came. The others: Temporary, Timeout.
    virtual Result<std::vector<LdapEntry>> search(const LdapQuery& query, Moment deadline) = 0;
    // The query that an LDAP URL stands for; attributes are empty where it names none. Nothing: no such URL.
    virtual std::optional<LdapQuery> query_of_url(const std::string& text) = 0;
};

// --- the module itself

// connect_...: errors are Io or Temporary, with the server's or the library's own words; Timeout.
struct Module {
    std::uint32_t version = module_version;
    Result<std::unique_ptr<SqlConnection>> (*connect_sql)(const SqlLogin&, Moment deadline) = nullptr;
    Result<std::unique_ptr<LdapConnection>> (*connect_ldap)(const LdapLogin&, Moment deadline) = nullptr;
    void (*set_ldap_debug_level)(int level) = nullptr;  // of the whole process
};

// The one function that a module exports.
inline constexpr const char* module_function = "posthaste_table_module";
using ModuleFunction = const Module* (*)();

// --- for the tables

// Where the module of a table type is looked for: shlib_directory of options.main_cf, then daemon_directory. Empty:
// there is none.
std::string module_file(std::string_view type, const OpenOptions& options);

// The error of a type whose module is not there: which file is missing, and where it was looked for.
Error no_module(std::string_view type, const OpenOptions& options);

// Loads it, or returns what was loaded before. Unsupported: there is none, it cannot be loaded (a client library is
// missing), or it belongs to another release.
Result<const Module*> load_module(std::string_view type, const OpenOptions& options);

}  // namespace posthaste::table
