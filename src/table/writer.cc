// writer.cc — see writer.h.
#include "table/writer.h"

#include "table/registry.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace posthaste::table {

namespace {

struct WritableType {
    std::string_view name;
    Result<std::unique_ptr<Writer>> (*open)(std::string_view type, const std::string& name,
                                            const WriterOptions& options);
    KeyEnding ending;  // how Postfix on Debian stores keys when it is not told (postmap -n, -N)
};

constexpr std::array writable_types = {
    WritableType{"btree", open_berkeley_writer, KeyEnding::Nul},
    WritableType{"cdb", open_cdb_writer, KeyEnding::None},
    WritableType{"hash", open_berkeley_writer, KeyEnding::Nul},
    WritableType{"lmdb", open_lmdb_writer, KeyEnding::Nul},
};

const WritableType* find_type(std::string_view name)
{
    const auto* type = std::ranges::find(writable_types, name, &WritableType::name);
    return type == writable_types.end() ? nullptr : type;
}

}  // namespace

bool can_write(std::string_view type) { return find_type(type) != nullptr; }

Result<std::unique_ptr<Writer>> open_writer(std::string_view type, const std::string& name,
                                            const WriterOptions& options)
{
    if (!can_write(type) && std::ranges::binary_search(types(), type))
        return fail(ErrorKind::Unsupported,
                    fmt::format("unsupported dictionary type: {} does not support bulk-mode creation.", type));
    if (!can_write(type))
        return fail(unknown_type(type));
    const WritableType* writable = find_type(type);
    WriterOptions writing = options;
    if (writing.ending == KeyEnding::Unknown)
        writing.ending = writable->ending;
    return writable->open(type, name, writing);
}

}  // namespace posthaste::table
