// table.h — lookup tables: `type:name` opens a Table, a Table maps a key to a text.
//
// Types are registered in one list (registry.cc), one source file a type. Fixed-string types fold their keys to
// lower case unless told otherwise; pattern types (cidr, pcre, regexp) see the key as it is and are asked for whole
// keys only. File-based tables follow their file: it is looked at once a second at most, and a new version
// replaces the old one only when it could be opened. Limits: names of 4096 bytes, text sources of 256 MiB.
#pragma once

#include "config/config.h"
#include "table/lookup.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace posthaste::table {

enum class KeyMatch : std::uint8_t {
    Fixed,    // the key is found as a whole text; partial keys (user, @domain, parent domains) make sense
    Pattern,  // the table matches patterns against the whole key; partial keys are not looked up
};

struct TableFlags {
    KeyMatch match = KeyMatch::Fixed;
    bool folds_case = true;  // keys are folded to lower case before they are looked up
};

enum class KeyCase : std::uint8_t { Fold, Keep };

// Whether results of pcre: and regexp: tables may have parts of the key in them ($1). Refused where a result says which
// program, file or account mail goes to: transport(5), aliases(5), virtual(8).
enum class Substitutions : std::uint8_t { Allowed, Refused };

// postconf(5) stale_index_action: a hash, btree, lmdb or cdb file that is older than its source.
enum class StaleIndex : std::uint8_t {
    Ignore,
    Warn,     // the index answers; one warning for each version of the source
    Rebuild,  // the source answers, read into memory, until there is a new index
};

struct OpenOptions {
    KeyCase key_case = KeyCase::Fold;  // Keep: `postmap -f`
    Substitutions substitutions = Substitutions::Allowed;
    bool utf8_only = false;  // texthash: lines that are not UTF-8 are left out with a warning
    // Receives problems that do not prevent the use of the table (a rule with a syntax error, a duplicate entry);
    // empty: they go to the log as warnings.
    std::function<void(std::string_view)> warn;
    std::size_t berkeley_db_read_buffer_size = 131072;  // postconf(5) berkeley_db_read_buffer_size, bytes
    std::size_t socketmap_max_query_size = 10000;       // postconf(5), bytes
    std::size_t socketmap_max_reply_size = 100000;      // postconf(5), bytes
    StaleIndex stale_index = StaleIndex::Warn;
    std::string alias_database;   // postconf(5): the tables that newaliases(1) makes
    std::string proxymap_socket;  // where proxy: tables are asked for; empty: this process opens the table itself
    // Has the settings of tables with a bare name (mysql:name: name_hosts, name_query, ...). Null: none was read.
    std::shared_ptr<const config::Config> main_cf;
};

// The options of this process, which count where a caller has none of his own: what main.cf says (settings.h), or the
// defaults before that.
const OpenOptions& process_options();
OpenOptions process_options(Substitutions substitutions);

using Visitor = std::function<Result<void>(std::string_view key, std::string_view value)>;

// One open table. Belongs to whoever opened it; used on one thread.
class Table {
public:
    explicit Table(std::string name) : name_(std::move(name)) {}
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;
    virtual ~Table() = default;

    // The value of the key. Errors are Temporary unless the key itself is impossible. The key may be a passing view:
    // a lookup that does not answer at once keeps a copy.
    virtual Lookup lookup(std::string_view key) = 0;
    // "type:name" as it was configured.
    [[nodiscard]] virtual const std::string& name() const { return name_; }
    [[nodiscard]] virtual TableFlags flags() const { return {}; }
    // The user id that the table's file belongs to; nothing for tables that are no file. aliases(5): the rights of
    // commands. Of proxy: tables as of the last answer.
    [[nodiscard]] virtual std::optional<uid_t> owner() const { return std::nullopt; }
    // Opens the new version of a changed file now. An error leaves the old version in use.
    virtual Result<void> reopen_if_changed() { return {}; }
    // Between hold() and release() the table may keep its file locked, and need not look at it for each lookup: for
    // somebody who has many keys at hand. Nobody waits for anything in between, because writers of the file wait. An
    // error: lookups would fail, too.
    virtual Result<void> hold() { return {}; }
    virtual void release() {}
    // Every entry in the table's order (`postmap -s`); Unsupported where a table cannot tell.
    virtual Result<void> for_each(const Visitor& visit);

private:
    std::string name_;
};

// Opens `type:name`. Unknown types: Unsupported, with the list of those that exist. An unusable source: the error
// says which and why. A relative or missing name is Invalid.
Result<std::unique_ptr<Table>> open(std::string_view type_and_name, const OpenOptions& options = process_options());

// Like open(), but never fails: a table that cannot be opened is logged, answers every lookup with a Temporary
// error that names it, and is tried again every few seconds. This is what daemons use (it makes the 451).
std::unique_ptr<Table> open_or_unavailable(std::string_view type_and_name,
                                           const OpenOptions& options = process_options());

// The types that exist in this build, in alphabetical order (`postconf -m`).
std::vector<std::string> types();

}  // namespace posthaste::table
