// lmdb.cc — see lmdb.h.
#include "table/lmdb.h"

#include <fmt/format.h>

namespace posthaste::table {

Error lmdb_error(std::string_view what, int status)
{
    return status > 0 ? Error::system(status, what)
                      : Error(ErrorKind::Io, fmt::format("{}: {}", what, mdb_strerror(status)));
}

MDB_val view_as_value(std::string_view bytes)
{
    return {.mv_size = bytes.size(), .mv_data = const_cast<char*>(bytes.data())};
}

std::string_view bytes_of(const MDB_val& value) { return {static_cast<const char*>(value.mv_data), value.mv_size}; }

}  // namespace posthaste::table
