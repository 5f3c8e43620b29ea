// writer.cc — see writer.h.
#include "table/writer.h"

#include "table/registry.h"

#include <algorithm>
#include <fmt/format.h>

namespace posthaste::table {

bool can_write(std::string_view type) { return type == "hash" || type == "btree" || type == "lmdb"; }

Result<std::unique_ptr<Writer>> open_writer(std::string_view type, const std::string& name,
                                            const WriterOptions& options)
{
    if (!can_write(type) && std::ranges::binary_search(types(), type))
        return fail(ErrorKind::Unsupported,
                    fmt::format("unsupported dictionary type: {} does not support bulk-mode creation.", type));
    if (!can_write(type))
        return fail(unknown_type(type));
    return type == "lmdb" ? open_lmdb_writer(type, name, options) : open_berkeley_writer(type, name, options);
}

}  // namespace posthaste::table
