// berkeley.cc — see berkeley.h.
#include "table/berkeley.h"

#include <cerrno>
#include <fmt/format.h>

namespace posthaste::table {

DBTYPE berkeley_type(std::string_view type) { return type == "hash" ? DB_HASH : DB_BTREE; }

DBT view_as_dbt(std::string_view bytes)
{
    DBT dbt{};
    dbt.data = const_cast<char*>(bytes.data());
    dbt.size = static_cast<u_int32_t>(bytes.size());
    return dbt;
}

std::string_view bytes_of(const DBT& dbt) { return {static_cast<const char*>(dbt.data), dbt.size}; }

Result<Database> open_berkeley_file(const std::string& path, DBTYPE type, u_int32_t flags, std::size_t cache_size)
{
    DB* raw = nullptr;
    if (int status = db_create(&raw, nullptr, 0); status != 0)
        return fail(Error::system(status, "create DB database"));
    Database db(raw);
    // The library's own messages repeat what the status says.
    raw->set_errcall(raw, [](const DB_ENV*, const char*, const char*) {});
    if (int status = raw->set_cachesize(raw, 0, static_cast<u_int32_t>(cache_size), 0); status != 0)
        return fail(ErrorKind::Io, fmt::format("set DB cache size {}: {}", cache_size, db_strerror(status)));
    if (int status = raw->open(raw, nullptr, path.c_str(), nullptr, type, flags, 0644); status != 0)
        return fail(status == EINVAL ? ErrorKind::Corrupt : ErrorKind::Io,
                    fmt::format("open database {}: {}", path, db_strerror(status)));
    return db;
}

}  // namespace posthaste::table
