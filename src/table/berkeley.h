// berkeley.h — the few steps with Berkeley DB that reader and writer of hash: and btree: share.
#pragma once

#include "base/result.h"

#include <db.h>
#include <memory>
#include <string>
#include <string_view>

namespace posthaste::table {

struct CloseDb {
    void operator()(DB* db) const { db->close(db, DB_NOSYNC); }
};
using Database = std::unique_ptr<DB, CloseDb>;

DBTYPE berkeley_type(std::string_view type);
DBT view_as_dbt(std::string_view bytes);  // for keys and values that the library only reads
std::string_view bytes_of(const DBT& dbt);

// Opens the file without an environment. `flags` are DB->open's: DB_RDONLY, or DB_CREATE.
Result<Database> open_berkeley_file(const std::string& path, DBTYPE type, u_int32_t flags, std::size_t cache_size);

}  // namespace posthaste::table
