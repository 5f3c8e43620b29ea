// lmdb.h — owners of LMDB objects and error texts, for reader and writer of lmdb: files.
#pragma once

#include "base/result.h"

#include <lmdb.h>
#include <memory>
#include <string_view>

namespace posthaste::table {

struct CloseEnv {
    void operator()(MDB_env* env) const { mdb_env_close(env); }
};
struct AbortTxn {
    void operator()(MDB_txn* txn) const { mdb_txn_abort(txn); }
};
struct CloseCursor {
    void operator()(MDB_cursor* cursor) const { mdb_cursor_close(cursor); }
};
using Environment = std::unique_ptr<MDB_env, CloseEnv>;
using Transaction = std::unique_ptr<MDB_txn, AbortTxn>;
using Cursor = std::unique_ptr<MDB_cursor, CloseCursor>;

Error lmdb_error(std::string_view what, int status);
MDB_val view_as_value(std::string_view bytes);  // for keys and values that the library only reads
std::string_view bytes_of(const MDB_val& value);

}  // namespace posthaste::table
