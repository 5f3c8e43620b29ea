// registry.h — what every table type gives to the registry: a name and an open function. To add a type, write its
// source file, declare its open function here and add it to the list in registry.cc (doc/howto/add-a-table-type.md).
#pragma once

#include "table/table.h"

namespace posthaste::table {

using Opened = Result<std::unique_ptr<Table>>;

// `full` is "type:name" for messages, `name` what stands behind the colon.
struct OpenRequest {
    std::string full;
    std::string type;
    std::string name;
    const OpenOptions& options;
};

Opened open_berkeley(const OpenRequest& request);  // hash, btree
Opened open_cdb(const OpenRequest& request);
Opened open_cidr(const OpenRequest& request);
Opened open_debug(const OpenRequest& request);
Opened open_environ(const OpenRequest& request);
Opened open_fail(const OpenRequest& request);
Opened open_inline(const OpenRequest& request);
Opened open_internal(const OpenRequest& request);
Opened open_ldap(const OpenRequest& request);
Opened open_lmdb(const OpenRequest& request);
Opened open_memcache(const OpenRequest& request);
Opened open_mysql(const OpenRequest& request);
Opened open_pcre(const OpenRequest& request);
Opened open_pgsql(const OpenRequest& request);
Opened open_pipemap(const OpenRequest& request);
Opened open_proxy(const OpenRequest& request);
Opened open_randmap(const OpenRequest& request);
Opened open_redis(const OpenRequest& request);
Opened open_regexp(const OpenRequest& request);
Opened open_socketmap(const OpenRequest& request);
Opened open_sqlite(const OpenRequest& request);
Opened open_static(const OpenRequest& request);
Opened open_tcp(const OpenRequest& request);
Opened open_texthash(const OpenRequest& request);
Opened open_unionmap(const OpenRequest& request);
Opened open_unix(const OpenRequest& request);

// How the table "type:name" matches, told from its name alone: a table that another process opens. Unsupported: no such
// type.
Result<KeyMatch> key_match(std::string_view type_and_name);

// What is wanted, for a table that matches patterns; Allowed for others, to which it makes no difference.
Substitutions substitutions_in(std::string_view type_and_name, Substitutions wanted);

// Passes a problem to options.warn, or to the log when that is empty.
void warn(const OpenOptions& options, std::string_view text);

// Whether there is a type of this name, here or in Postfix; that a table of it can be opened is not said.
bool is_type(std::string_view name);

// What is said of a type that does not exist, or not in this build.
Error unknown_type(std::string_view name);

// An error of open_file() or read_file(), in the words that are used for databases: "open database path: reason".
Error database_error(Error error);

// The key folded to lower case when the table folds, else unchanged; `buffer` holds the folded copy.
std::string_view fold_key(std::string_view key, KeyCase key_case, std::string& buffer);

}  // namespace posthaste::table
